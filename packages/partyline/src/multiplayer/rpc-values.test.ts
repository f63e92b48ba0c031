import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import { decodeValues, encodeValues, MAX_VALUE_DEPTH, type Sendable } from './rpc-values.ts';

function bytesOf(...values: unknown[]): Uint8Array {
  const writer = new ByteWriter();
  encodeValues(writer, values);
  return writer.finish();
}

function roundTrip(...values: unknown[]): unknown[] {
  return decodeValues(new ByteReader(bytesOf(...values)), values.length);
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array(),
);
const key = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__proto__');
const value = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('value')), fc.dictionary(key, tie('value'))),
})).value;

test('whatever can be sent arrives as it was, -0, NaN and infinities included', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), (values) => {
      expect(roundTrip(...values)).toEqual(values);
    }),
  );
});

test('small numbers take a byte, floats four when that is exact', () => {
  expect(bytesOf(0, 127)).toEqual(Uint8Array.of(0x80, 0xff));
  expect(bytesOf(300)).toHaveLength(3);
  expect(bytesOf(-1)).toHaveLength(2);
  expect(bytesOf(0.5)).toHaveLength(5);
  expect(bytesOf(0.1)).toHaveLength(9);
  expect(bytesOf(2 ** 60)).toHaveLength(5);
});

test('an absent optional property is left out', () => {
  expect(roundTrip({ a: 1, b: undefined })).toEqual([{ a: 1 }]);
});

test.each([
  ['undefined', undefined],
  ['a function', () => 1],
  ['a bigint', 1n],
  ['a symbol', Symbol('x')],
  ['a date', new Date(0)],
  ['a map', new Map()],
  ['half a character', '\ud800'],
  ['__proto__', JSON.parse('{"__proto__": 1}')],
])('%s cannot be sent, and the message says where', (_name, bad) => {
  expect(() => bytesOf(1, { list: [bad] })).toThrow(/^argument 2\.list\[0\]/);
  expect(() => bytesOf(bad)).toThrow(expect.objectContaining({ code: 'RPC_ARGUMENTS' }));
});

test('depth is limited on both sides, so a cycle is an error and not a hang', () => {
  expect(roundTrip(nested(MAX_VALUE_DEPTH))).toEqual([nested(MAX_VALUE_DEPTH)]);
  expect(() => bytesOf(nested(MAX_VALUE_DEPTH + 1))).toThrow('levels deep');
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => bytesOf(cycle)).toThrow('levels deep');
  const deep = new Uint8Array(200).map((_, i) => (i % 2 === 0 ? 9 : 1));
  expect(() => decodeValues(new ByteReader(deep), 1)).toThrow('too deep');
});

test.each([
  ['an array that claims more than there are bytes', [9, 0xff, 0xff, 0x03]],
  ['an object that claims more than there are bytes', [10, 0xff, 0xff, 0x03]],
  ['a string longer than the message', [7, 0xff, 0x7f, 65]],
  ['text that is no UTF-8', [7, 1, 0xff]],
  ['the same key twice', [10, 2, 1, 97, 0x80, 1, 97, 0x80]],
  ['__proto__ as a key', [10, 1, 9, ...new TextEncoder().encode('__proto__'), 10, 0]],
  ['an unknown tag', [42]],
  ['bytes left over', [0, 0]],
])('%s: DecodeError', (_name, bytes) => {
  expect(() => decodeValues(new ByteReader(Uint8Array.from(bytes)), 1)).toThrow(DecodeError);
});

test('hostile bytes give only DecodeError, quickly; what decodes re-encodes to the same value', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(4), (bytes, count) => {
      let values: unknown[];
      try {
        values = decodeValues(new ByteReader(bytes), count);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        return;
      }
      expect(roundTrip(...values)).toEqual(values);
    }),
    { numRuns: 2000 },
  );
});

test('types: what can be sent is itself, the rest does not fit', () => {
  interface Position {
    readonly x: number;
    readonly y?: number;
  }
  expectTypeOf<Sendable<Position>>().toEqualTypeOf<Position>();
  expectTypeOf<Sendable<readonly Position[]>>().toEqualTypeOf<readonly Position[]>();
  expectTypeOf<Sendable<Uint8Array | null>>().toEqualTypeOf<Uint8Array | null>();
  expectTypeOf<() => void>().not.toExtend<Sendable<() => void>>();
  expectTypeOf<Date>().not.toExtend<Sendable<Date>>();
  expectTypeOf<bigint>().not.toExtend<Sendable<bigint>>();
  expectTypeOf<undefined>().not.toExtend<Sendable<undefined>>();
});
