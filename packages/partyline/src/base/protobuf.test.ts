import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DecodeError,
  decodeProtobuf,
  MAX_PROTOBUF_FIELDS,
  MAX_VARINT,
  type ProtobufField,
  ProtobufWriter,
} from './index.ts';

const number = fc.integer({ min: 1, max: 0x1fff_ffff });
const anyField: fc.Arbitrary<ProtobufField> = fc.oneof(
  fc.record({
    number,
    type: fc.constant('varint' as const),
    value: fc.integer({ min: 0, max: MAX_VARINT }),
  }),
  fc.record({
    number,
    type: fc.constant('fixed32' as const),
    value: fc.integer({ min: 0, max: 0xffff_ffff }),
  }),
  fc.record({
    number,
    type: fc.constant('fixed64' as const),
    value: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  }),
  fc.record({ number, type: fc.constant('bytes' as const), value: fc.uint8Array() }),
);

function encode(fields: readonly ProtobufField[]): Uint8Array {
  const writer = new ProtobufWriter();
  for (const field of fields) {
    if (field.type === 'bytes') writer.bytes(field.number, field.value);
    else if (field.type === 'fixed64') writer.fixed64(field.number, field.value);
    else writer[field.type](field.number, field.value);
  }
  return writer.finish();
}

test('what is encoded decodes to the same fields', () => {
  fc.assert(
    fc.property(fc.array(anyField, { maxLength: 20 }), (fields) => {
      expect(decodeProtobuf(encode(fields))).toEqual(fields);
    }),
  );
});

test('hostile bytes give a DecodeError and nothing else', () => {
  const cut = fc
    .tuple(fc.array(anyField, { minLength: 1, maxLength: 5 }), fc.nat())
    .map(([fields, at]) => encode(fields).subarray(0, at % encode(fields).length));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), cut), (bytes) => {
      try {
        decodeProtobuf(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});

test.each([
  ['a length past the end', [0x0a, 5, 1, 2]],
  ['a length of 2^53 - 1', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['a group', [0x0b, 0x0c]],
  ['field number 0', [0x00, 0x00]],
  ['a varint of ten bytes', [0x08, ...Array<number>(9).fill(0xff), 0x01]],
  ['a fixed64 cut short', [0x09, 1, 2, 3, 4]],
  ['one field too many', Array<number>((MAX_PROTOBUF_FIELDS + 1) * 2).fill(8)],
])('%s is refused', (_, bytes) => {
  expect(() => decodeProtobuf(Uint8Array.from(bytes))).toThrow(DecodeError);
});

test('as many fields as the limit allows are read', () => {
  const bytes = new Uint8Array(MAX_PROTOBUF_FIELDS * 2).fill(8);
  expect(decodeProtobuf(bytes)).toHaveLength(MAX_PROTOBUF_FIELDS);
});
