import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError, utf8 } from '../base/index.ts';
import { webRtcLimits } from './limits.ts';
import {
  decodeWebRtcSignal,
  encodeWebRtcSignal,
  NONCE_BYTES,
  type WebRtcSignal,
} from './signal.ts';

const nonce = fc.uint8Array({ minLength: NONCE_BYTES, maxLength: NONCE_BYTES });
const generation = fc.nat(webRtcLimits.maxGeneration);
const text = (max: number): fc.Arbitrary<string> => fc.string({ maxLength: max });
const signals: fc.Arbitrary<WebRtcSignal> = fc.record({
  sender: nonce,
  receiver: nonce,
  generation,
  wantedGeneration: generation,
  ackedGeneration: generation,
  ackedDescription: fc.boolean(),
  ackedCandidates: fc.nat(webRtcLimits.maxCandidates),
  description: fc.option(text(500), { nil: undefined }),
  firstCandidate: fc.nat(20),
  candidates: fc.array(text(100), { maxLength: 20 }),
  bye: fc.option(text(50), { nil: undefined }),
});
const plain: WebRtcSignal = {
  sender: new Uint8Array(NONCE_BYTES).fill(1),
  receiver: new Uint8Array(NONCE_BYTES),
  generation: 1,
  wantedGeneration: 0,
  ackedGeneration: 0,
  ackedDescription: false,
  ackedCandidates: 0,
  description: undefined,
  firstCandidate: 0,
  candidates: [],
  bye: undefined,
};

test('a signal comes out as it went in', () => {
  fc.assert(
    fc.property(signals, (signal) => {
      expect(decodeWebRtcSignal(encodeWebRtcSignal(signal))).toEqual(signal);
    }),
  );
});

test('docs/wire/webrtc-signal.md: the example bytes', () => {
  const bytes = encodeWebRtcSignal({ ...plain, candidates: ['c'], bye: 'no' });
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  expect(hex).toBe(`0104${'01'.repeat(16)}${'00'.repeat(16)}00010000000000000100016300026e6f`);
});

test('hostile bytes give only DecodeError', () => {
  const mutated = fc
    .tuple(signals, fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 4 }), fc.nat(2000))
    .map(([signal, changes, cut]) => {
      const bytes = encodeWebRtcSignal(signal);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), mutated), (bytes) => {
      try {
        const signal = decodeWebRtcSignal(bytes);
        expect(encodeWebRtcSignal(signal)).toEqual(bytes); // one spelling per meaning
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['a description over the limit', { description: 'x'.repeat(webRtcLimits.maxSdpBytes + 1) }],
  ['a candidate over the limit', { candidates: ['x'.repeat(webRtcLimits.maxCandidateBytes + 1)] }],
  ['too many candidates', { candidates: Array(webRtcLimits.maxCandidates + 1).fill('x') }],
  ['candidates past the last index', { firstCandidate: 60, candidates: Array(5).fill('x') }],
  ['a reason over the limit', { bye: 'x'.repeat(webRtcLimits.maxReasonBytes + 1) }],
  ['a generation over the limit', { generation: webRtcLimits.maxGeneration + 1 }],
])('%s is malformed', (_name, part) => {
  const bytes = encodeWebRtcSignal({ ...plain, ...part });
  expect(() => decodeWebRtcSignal(bytes)).toThrow(DecodeError);
});

test('a message over the limit is neither written nor read', () => {
  const candidates = Array<string>(40).fill('x'.repeat(400));
  expect(() => encodeWebRtcSignal({ ...plain, candidates })).toThrow('too long');
  expect(() => decodeWebRtcSignal(new Uint8Array(webRtcLimits.maxSignalBytes + 1))).toThrow(
    DecodeError,
  );
});

test.each([
  ['another version', (bytes: Uint8Array) => bytes.fill(2, 0, 1)],
  ['an unknown flag', (bytes: Uint8Array) => bytes.fill(8, 1, 2)],
  ['trailing bytes', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
  ['text that is not UTF-8', (bytes: Uint8Array) => Uint8Array.of(...bytes.slice(0, -1), 0xff)],
])('%s is malformed', (_name, change) => {
  const bytes = encodeWebRtcSignal({ ...plain, bye: 'no' });
  expect(utf8('no')).toHaveLength(2);
  expect(() => decodeWebRtcSignal(change(bytes))).toThrow(DecodeError);
});
