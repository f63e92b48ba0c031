import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isNetError, printIp } from '../base/index.ts';
import type { IceCandidate } from './candidate.ts';
import { decodeCandidate, encodeCandidate, isMdnsName } from './candidate-text.ts';
import { iceLimits } from './limits.ts';

const ip = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map(printIp);
const port = fc.integer({ min: 1, max: 65_535 });

const candidates: fc.Arbitrary<IceCandidate> = fc.record({
  type: fc.constantFrom('host', 'srflx', 'prflx', 'relay'),
  host: ip,
  port,
  priority: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  foundation: fc.stringMatching(/^[A-Za-z0-9+/]{1,32}$/),
  component: fc.integer({ min: 0, max: 256 }),
  related: fc.option(fc.record({ host: ip, port }), { nil: undefined }),
});

test('what is written is read back the same', () => {
  fc.assert(
    fc.property(candidates, (candidate) => {
      expect(decodeCandidate(encodeCandidate(candidate))).toEqual(candidate);
    }),
  );
});

test('hostile text gives only DecodeError', () => {
  const words = fc.constantFrom('candidate:', 'a=', '1', 'udp', 'typ', 'host', '::', '0', 'raddr');
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(words, fc.string()), { maxLength: 14 }).map((all) => all.join(' ')),
  );
  fc.assert(
    fc.property(text, (hostile) => {
      try {
        decodeCandidate(hostile);
      } catch (error) {
        expect(isNetError(error, 'WIRE_MALFORMED')).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  // As GNS's native client and its WebRTC build write them.
  ['candidate:2442523459 0 udp 2122262784 192.168.1.4 63368 typ host', 'host', 0],
  [
    'candidate:2442523459 0 udp 2122262784 2602:801:f001:1034:5078:221c:76b:a3d6 63368 typ host generation 0 ufrag WLM82 network-id 2',
    'host',
    0,
  ],
  // As browsers do.
  [
    'a=candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0',
    'srflx',
    1,
  ],
  ['candidate:1 1 UDP 2122 8d1b2a4e-1d4c-4b0a-9a59-1c1e2f6a7b8c.local 5000 typ host', 'host', 1],
])('%s', (text, type, component) => {
  const candidate = decodeCandidate(text);
  expect(candidate).toMatchObject({ type, component });
  expect(candidate?.related).toBeUndefined();
});

test('a TCP candidate is well-formed, and of no use', () => {
  const text = 'candidate:1 1 tcp 1518 192.0.2.1 9 typ host tcptype active';
  expect(decodeCandidate(text)).toBeUndefined();
});

test('addresses are told in one spelling, since they are compared as text', () => {
  const text = 'candidate:1 1 udp 1 2001:0DB8::0:1 9 typ host';
  expect(decodeCandidate(text)?.host).toBe('2001:db8::1');
});

test('over the length limit', () => {
  const text = `candidate:1 1 udp 1 192.0.2.1 9 typ host ${'x'.repeat(iceLimits.candidateChars)}`;
  expect(() => decodeCandidate(text)).toThrow('length');
});

test('only names of mDNS are left for the shell to resolve', () => {
  expect(isMdnsName('8d1b2a4e.local')).toBe(true);
  for (const host of ['example.com', 'local', '.local', 'a b.local', `${'a'.repeat(64)}.local`]) {
    expect(isMdnsName(host)).toBe(false);
  }
});
