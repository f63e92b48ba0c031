import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, DecodeError, decodeProtobuf, fromUtf8, isNetError } from '../base/index.ts';
import {
  isEnvelope,
  loginBytes,
  type RelayHelloRecord,
  relayHelloBytes,
  type SignalRecord,
  signalBytes,
  type WebRtcRecord,
  webrtcRecordBytes,
} from './index.ts';

const fill = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const scope = { app: 'arena', lobby: 'L', epoch: 3, from: 7, to: 9 };
const login = {
  purpose: 'login' as const,
  origin: 'ws://localhost:7777',
  app: 'arena',
  nonce: fill(32, 1),
  sessionKey: fill(32, 2),
};
const webrtc: WebRtcRecord = {
  ...scope,
  fromRole: 'offerer',
  toRole: 'answerer',
  fromNonce: fill(16, 1),
  toNonce: fill(16, 2),
  fromFingerprint: fill(32, 3),
  toFingerprint: fill(32, 4),
};
const relay: RelayHelloRecord = {
  ...scope,
  fromKey: fill(32, 1),
  toKey: fill(32, 2),
  fromNonce: fill(16, 3),
  toNonce: fill(16, 4),
};

test('docs/wire/envelope.md: the bytes of a signal, one by one', () => {
  expect(signalBytes({ ...scope, payload: Uint8Array.of(0xaa, 0xbb) })).toEqual(
    Uint8Array.of(
      ...[0],
      ...[0, 6, ...Buffer.from('signal')],
      ...[0, 5, ...Buffer.from('arena')],
      ...[0, 1, ...Buffer.from('L')],
      ...[0, 4, 0, 0, 0, 3],
      ...[0, 4, 0, 0, 0, 7],
      ...[0, 4, 0, 0, 0, 9],
      ...[0, 2, 0xaa, 0xbb],
    ),
  );
});

test('docs/wire/envelope.md: the fields of each purpose, in order', () => {
  expect(fieldsOf(loginBytes(login)).map((f) => f.length)).toEqual([5, 19, 5, 32, 32]);
  expect(fieldsOf(webrtcRecordBytes(webrtc)).map((f) => f.length)).toEqual([
    ...[6, 5, 1, 4, 4, 4, 7, 8],
    ...[16, 16, 32, 32],
  ]);
  expect(fieldsOf(relayHelloBytes(relay)).map((f) => f.length)).toEqual([
    ...[5, 5, 1, 4, 4, 4],
    ...[32, 32, 16, 16],
  ]);
  const purposes = [
    loginBytes(login),
    loginBytes({ ...login, purpose: 'session' }),
    signalBytes({ ...scope, payload: fill(0, 0) }),
    webrtcRecordBytes(webrtc),
    relayHelloBytes(relay),
  ].map((bytes) => fromUtf8(fieldsOf(bytes)[0] ?? fill(0, 0)));
  expect(purposes).toEqual(['login', 'session', 'signal', 'webrtc', 'relay']);
});

test('whatever differs in a record differs in its bytes', () => {
  const text = fc.string({ maxLength: 4 });
  const number = fc.integer({ min: 0, max: 3 });
  const record: fc.Arbitrary<SignalRecord> = fc
    .record({
      app: text,
      lobby: text,
      epoch: number,
      from: number,
      to: number,
      payload: fc.uint8Array({ maxLength: 3 }).map((bytes) => Uint8Array.from(bytes)),
    })
    .filter(({ from, to }) => from !== to);
  fc.assert(
    fc.property(record, record, (a, b) => {
      const same = Buffer.compare(signalBytes(a), signalBytes(b)) === 0;
      const plain = (r: SignalRecord) => JSON.stringify({ ...r, payload: [...r.payload] });
      expect(same).toBe(plain(a) === plain(b));
    }),
    { numRuns: 1000 },
  );
});

test('no record is a protobuf message, so none can be a GNS signature', () => {
  const records = [loginBytes(login), webrtcRecordBytes(webrtc), relayHelloBytes(relay)];
  for (const bytes of records) {
    expect(isEnvelope(bytes)).toBe(true);
    expect(() => decodeProtobuf(bytes)).toThrow(DecodeError);
  }
  expect(isEnvelope(Uint8Array.of(8, 1))).toBe(false);
  expect(isEnvelope(new Uint8Array())).toBe(false);
});

test.each([
  ['a member to itself', () => signalBytes({ ...scope, to: 7, payload: fill(0, 0) })],
  ['a payload over 65,535 bytes', () => signalBytes({ ...scope, payload: fill(65_536, 0) })],
  ['an epoch over 32 bits', () => signalBytes({ ...scope, epoch: 2 ** 32, payload: fill(0, 0) })],
  ['a short challenge', () => loginBytes({ ...login, nonce: fill(31, 0) })],
  ['a short session key', () => loginBytes({ ...login, sessionKey: fill(31, 0) })],
  ['one role twice', () => webrtcRecordBytes({ ...webrtc, toRole: 'offerer' })],
  ['a SHA-1 fingerprint', () => webrtcRecordBytes({ ...webrtc, toFingerprint: fill(20, 0) })],
  ['a short attempt nonce', () => relayHelloBytes({ ...relay, toNonce: fill(15, 0) })],
  ['a short relay key', () => relayHelloBytes({ ...relay, fromKey: fill(31, 0) })],
])('%s is no record', (_, call) => {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(isNetError(thrown, 'OPTIONS_INVALID')).toBe(true);
});

function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(bytes);
  expect(reader.u8()).toBe(0);
  const fields: Uint8Array[] = [];
  while (reader.remaining > 0) fields.push(reader.bytes(reader.u16be()));
  return fields;
}
