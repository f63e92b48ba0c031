import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrames, type Frame } from './frames.ts';

/** 125, 126, 65 535 and 65 536 are where RFC 6455 §5.2 changes the form of a length. */
const length = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(125, 126, 65_535, 65_536),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  length.map((n) => 'x'.repeat(n)),
);
const bytes = length.map((n) => new Uint8Array(n).fill(7));
const frame = fc.oneof(text, bytes).map(
  (content): Frame => ({
    content,
    length: Buffer.byteLength(content),
    isBinary: typeof content !== 'string',
  }),
);

test('RFC 6455 §5.2: frames are final, not masked, with the shortest form of their length', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
      let rest = Buffer.from(encodeFrames(frames));
      for (const { content, isBinary } of frames) {
        const sent = Buffer.from(content);
        const header = readHeader(rest);
        expect(header).toMatchObject({ first: isBinary ? 0x82 : 0x81, length: sent.length });
        const end = header.bytes + header.length;
        expect(sent.equals(rest.subarray(header.bytes, end))).toBe(true);
        rest = rest.subarray(end);
      }
      expect(rest.length).toBe(0);
    }),
  );
});

function readHeader(bytes: Buffer): { first: number; length: number; bytes: number } {
  const [first = 0, form = 0] = bytes;
  if (form < 126) return { first, length: form, bytes: 2 };
  if (form === 126) return { first, length: bytes.readUInt16BE(2), bytes: 4 };
  return { first, length: Number(bytes.readBigUInt64BE(2)), bytes: 10 };
}
