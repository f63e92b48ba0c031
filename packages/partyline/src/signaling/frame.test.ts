import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import { decodeFrame, encodeFrame, FRAME_HEADER_BYTES, FrameType } from './index.ts';

const type = fc.constantFrom(...Object.values(FrameType));
const member = fc.integer({ min: 0, max: 0xffff_ffff });

test('what is encoded decodes to the same frame', () => {
  fc.assert(
    fc.property(type, member, fc.uint8Array(), (t, m, payload) => {
      const frame = encodeFrame(t, m, payload);
      expect(frame).toHaveLength(FRAME_HEADER_BYTES + payload.length);
      expect(decodeFrame(frame)).toEqual({ type: t, member: m, payload });
    }),
  );
});

test('docs/wire/frames.md: version, type, member in network byte order, payload', () => {
  expect(encodeFrame(FrameType.RelayReliable, 0x0102_0304, Uint8Array.of(9))).toEqual(
    Uint8Array.of(1, 3, 1, 2, 3, 4, 9),
  );
});

test('the payload is a view, not a copy', () => {
  const bytes = encodeFrame(FrameType.Signal, 1, Uint8Array.of(5));
  const { payload } = decodeFrame(bytes);
  bytes[FRAME_HEADER_BYTES] = 6;
  expect(payload).toEqual(Uint8Array.of(6));
});

test.each([
  ['nothing', []],
  ['another version', [2, 1, 0, 0, 0, 1]],
  ['type 0', [1, 0, 0, 0, 0, 1]],
  ['a type after the last', [1, 4, 0, 0, 0, 1]],
  ['half a member', [1, 1, 0, 0]],
])('%s is refused', (_, bytes) => {
  expect(() => decodeFrame(Uint8Array.from(bytes))).toThrow(DecodeError);
});

test('hostile bytes give a DecodeError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), (bytes) => {
      try {
        const { type: t, member: m, payload } = decodeFrame(bytes);
        expect(encodeFrame(t, m, payload)).toEqual(Uint8Array.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});
