import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter, DecodeError, MAX_VARINT } from './index.ts';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const varint = fc.oneof(u32, fc.integer({ min: 0, max: MAX_VARINT }));

describe('ByteWriter and ByteReader', () => {
  test('what is written is read back, and nothing is left', () => {
    fc.assert(
      fc.property(u8, u16, u32, u64, varint, fc.uint8Array(), (a, b, c, d, e, bytes) => {
        const writer = new ByteWriter(1).u8(a).u16be(b).u16le(b).u32be(c).u32le(c).u64le(d);
        const reader = new ByteReader(writer.varint(e).bytes(bytes).finish());
        expect([reader.u8(), reader.u16be(), reader.u16le()]).toEqual([a, b, b]);
        expect([reader.u32be(), reader.u32le(), reader.u64le()]).toEqual([c, c, d]);
        expect(reader.varint()).toBe(e);
        expect(reader.bytes(bytes.length)).toEqual(bytes);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test('byte order is what the name says', () => {
    expect(new ByteWriter().u16be(0x0102).u32be(0x0304_0506).finish()).toEqual(
      Uint8Array.of(1, 2, 3, 4, 5, 6),
    );
    expect(new ByteWriter().u16le(0x0102).u32le(0x0304_0506).u64le(7n).finish()).toEqual(
      Uint8Array.of(2, 1, 6, 5, 4, 3, 7, 0, 0, 0, 0, 0, 0, 0),
    );
  });

  test('a view into a larger buffer is read from its own start', () => {
    const reader = new ByteReader(Uint8Array.of(9, 9, 1, 2, 9).subarray(2, 4));
    expect(reader.u16be()).toBe(0x0102);
    expect(() => reader.u8()).toThrow(DecodeError);
  });

  test('a read past the end names what was wanted and where', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3));
    reader.u16be();
    expect(() => reader.u32be('cookie')).toThrow('cookie needs 4 bytes at byte 2');
    expect(reader.offset).toBe(2);
  });

  test('a varint over 53 bits, or without an end, is refused', () => {
    const over = new ByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f));
    expect(() => over.varint()).toThrow(DecodeError);
    expect(() => new ByteReader(new Uint8Array(12).fill(0x80)).varint()).toThrow('over 53 bits');
    expect(() => new ByteReader(Uint8Array.of(0x80)).varint()).toThrow(DecodeError);
  });

  test('hostile bytes give a DecodeError and nothing else', () => {
    const reads = ['u8', 'u16be', 'u32be', 'u16le', 'u32le', 'u64le', 'varint'] as const;
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.constantFrom(...reads)), (bytes, calls) => {
        const reader = new ByteReader(bytes);
        try {
          for (const read of calls) reader[read]();
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
        expect(reader.offset).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
