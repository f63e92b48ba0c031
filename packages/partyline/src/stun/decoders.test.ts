import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { DecodeError } from '../base/index.ts';
import {
  changeRequest,
  checkFingerprint,
  decodeChangeRequest,
  decodeErrorCode,
  decodeMappedAddress,
  decodePasswordAlgorithms,
  decodeResponsePort,
  decodeUnknownAttributes,
  decodeXorMappedAddress,
  errorCode,
  looksLikeStun,
  passwordAlgorithms,
  plainAddress,
  responsePort,
  StreamSplitter,
  securityFeatures,
  stunFrameLength,
  unknownAttributes,
  withFingerprint,
  xorAddress,
} from './index.ts';

/** More by FUZZ_RUNS, for a long night. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);
if (process.env.FUZZ_RUNS) vi.setConfig({ testTimeout: 3_600_000 });
const id = Uint8Array.from({ length: 12 }, (_, i) => 17 * i);
const address = { host: '9.8.7.6', port: 5 };

/** Bytes of any kind, and right ones that are changed a little. */
const near = (valid: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
      .map(([whole, changes]) => {
        const copy = whole.slice();
        for (const [at, byte] of changes) copy[at % Math.max(1, copy.length)] = byte;
        return copy;
      }),
    fc
      .tuple(fc.constantFrom(...valid), fc.nat())
      .map(([whole, at]) => whole.slice(0, at % (whole.length + 1))),
  );

describe('hostile bytes give a DecodeError and nothing else', () => {
  const decoders: [string, (bytes: Uint8Array) => unknown, Uint8Array[]][] = [
    [
      'XOR-MAPPED-ADDRESS',
      (bytes) => decodeXorMappedAddress(bytes, id),
      [
        xorAddress(0x20, address, id).value,
        xorAddress(0x20, { ...address, host: '::9' }, id).value,
      ],
    ],
    ['MAPPED-ADDRESS', decodeMappedAddress, [plainAddress(1, address).value]],
    ['ERROR-CODE', decodeErrorCode, [errorCode({ code: 438, reason: 'Stale ☃' }).value]],
    ['UNKNOWN-ATTRIBUTES', decodeUnknownAttributes, [unknownAttributes([1, 2, 3]).value]],
    ['PASSWORD-ALGORITHMS', decodePasswordAlgorithms, [passwordAlgorithms([2, 1]).value]],
    [
      'CHANGE-REQUEST',
      decodeChangeRequest,
      [changeRequest({ otherAddress: true, otherPort: true }).value],
    ],
    ['RESPONSE-PORT', decodeResponsePort, [responsePort(9).value]],
  ];

  test.each(decoders)('%s', (_, decode, valid) => {
    for (const bytes of valid) decode(bytes);
    fc.assert(
      fc.property(near(valid), (bytes) => {
        const before = bytes.slice();
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
        expect(bytes).toEqual(before);
      }),
      { numRuns },
    );
  });

  test('what only looks never throws', () => {
    const marked = withFingerprint(Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...id));
    fc.assert(
      fc.property(near([marked]), fc.string(), (bytes, text) => {
        looksLikeStun(bytes);
        checkFingerprint(bytes);
        securityFeatures(`obMatJos2${text}`);
      }),
      { numRuns },
    );
  });
});

describe('StreamSplitter', () => {
  const message = fc
    .uint8Array({ maxLength: 40 })
    .map((body) => body.subarray(0, body.length & ~3))
    .map((body) => Uint8Array.of(0, 1, 0, body.length, 0x21, 0x12, 0xa4, 0x42, ...id, ...body));

  test('the same frames, however the stream is cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), cuts, (messages, sizes) => {
        const stream = Uint8Array.from(messages.flatMap((bytes) => [...bytes]));
        const splitter = new StreamSplitter(stunFrameLength, 100);
        const frames: number[][] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          const chunk = stream.slice(at, at + size);
          expect(splitter.split(chunk, (frame) => frames.push([...frame]))).toBe(true);
          at += size;
        }
        expect(frames).toEqual(messages.map((bytes) => [...bytes]));
        expect(splitter.bufferedBytes).toBe(0);
      }),
      { numRuns },
    );
  });

  test('garbage: it never throws, and never keeps more than one frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 20 }), (chunks) => {
        const splitter = new StreamSplitter(stunFrameLength, 100);
        for (const chunk of chunks) {
          const isFine = splitter.split(chunk, (frame) => {
            expect(frame.length).toBeLessThanOrEqual(100);
          });
          if (!isFine) return;
          expect(splitter.bufferedBytes).toBeLessThan(100);
        }
      }),
      { numRuns },
    );
  });
});
