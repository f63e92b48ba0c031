import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNetError } from '../base/index.ts';
import { webRtcLimits } from './limits.ts';
import { readSdp } from './sdp.ts';

const digest = Array.from({ length: 32 }, (_, i) => (i + 16).toString(16).toUpperCase()).join(':');
const line = `a=fingerprint:sha-256 ${digest}`;
const head = ['v=0', 'o=- 4611 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0'];
const media = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:T1k5',
  'a=ice-pwd:tKb+1rdzSubK19WsDdgEs0',
];
const tail = ['a=setup:actpass', 'a=mid:0', 'a=sctp-port:5000', ''];
const sdp = (...lines: string[]): string => lines.join('\r\n');
const good = sdp(...head, ...media, line, ...tail);

const expectRefused = (text: string): void => {
  expect(() => readSdp(text)).toThrow(expect.objectContaining({ code: 'WEBRTC_SDP_REFUSED' }));
};

test('the one sha-256 fingerprint, at media or session level, is read', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i + 16);
  expect(readSdp(good)).toEqual({ fingerprint: bytes, iceUfrag: 'T1k5', isLibdatachannel: false });
  expect(readSdp(sdp(...head, line, ...media, ...tail)).fingerprint).toEqual(bytes);
  expect(readSdp(good.replaceAll('\r\n', '\n')).fingerprint).toEqual(bytes);
});

test('libdatachannel is known by its origin line', () => {
  expect(readSdp(good.replace('o=- ', 'o=rtc ')).isLibdatachannel).toBe(true);
});

describe('refused before it is applied', () => {
  const other = line.replace('10:', 'EE:');
  test.each([
    ['a line before the good one', sdp(...head, ...media, other, line, ...tail)],
    ['a line after the good one', sdp(...head, ...media, line, other, ...tail)],
    ['a line at session level', sdp(...head, other, ...media, line, ...tail)],
    ['the same line twice', sdp(...head, line, ...media, line, ...tail)],
    ['a line of another hash beside it', sdp(...head, ...media, line, 'a=fingerprint:sha-1 00:11')],
    ['another case of the attribute', sdp(...head, ...media, line, other.toUpperCase(), ...tail)],
    ['another case, alone', good.replace('a=fingerprint', 'a=Fingerprint')],
    ['an indented line', sdp(...head, ...media, line, ` ${other}`, ...tail)],
    ['a line behind a lone CR', good.replace('a=setup', `a=x\r${other.slice(2)}\r\na=setup`)],
    ['a lone CR anywhere', good.replace('a=setup', 'a=x\ra=setup')],
    ['a NUL', good.replace('a=setup', 'a=\0setup')],
    ['a Unicode line separator', good.replace('a=setup', 'a=x\u2028a=setup')],
    ['no fingerprint', sdp(...head, ...media, ...tail)],
    ['sha-1', good.replace('sha-256', 'sha-1')],
    ['sha-512', good.replace('sha-256', 'sha-512')],
    ['SHA-256, which no stack writes', good.replace('sha-256', 'SHA-256')],
    ['a short digest', good.replace(`${digest}`, digest.slice(0, -3))],
    ['a long digest', good.replace(`${digest}`, `${digest}:AA`)],
    ['lower-case digits', good.replace(digest, digest.toLowerCase())],
    ['a second media section', `${good}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n`],
    ['audio', `${good}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`],
    ['no media section', sdp(...head, line, ...tail)],
    ['no user fragment', good.replace('a=ice-ufrag:T1k5\r\n', '')],
    ['too long', good + 'a=x\r\n'.repeat(webRtcLimits.maxSdpBytes / 5)],
    ['nothing', ''],
  ])('%s', (_name, text) => expectRefused(text));
});

test('whatever is inserted, a description is refused or keeps the one fingerprint', () => {
  const bytes = readSdp(good).fingerprint;
  const piece = fc.oneof(fc.string(), fc.constantFrom(line, 'a=fingerprint:', '\r', '\n', 'm='));
  fc.assert(
    fc.property(fc.nat(good.length), piece, (at, text) => {
      try {
        const { fingerprint } = readSdp(good.slice(0, at) + text + good.slice(at));
        expect(fingerprint).toHaveLength(32);
        if (/[\r\n]/.test(text) || !/[0-9A-F]/.test(text)) expect(fingerprint).toEqual(bytes);
      } catch (error) {
        if (!isNetError(error, 'WEBRTC_SDP_REFUSED')) throw error;
      }
    }),
  );
});
