import { ByteReader, ByteWriter } from './bytes.ts';
import { DecodeError } from './errors.ts';

/** One field of a protobuf message; `bytes` are a view (submessages and strings come so too). */
export type ProtobufField =
  | { readonly number: number; readonly type: 'varint' | 'fixed32'; readonly value: number }
  | { readonly number: number; readonly type: 'fixed64'; readonly value: bigint }
  | { readonly number: number; readonly type: 'bytes'; readonly value: Uint8Array };

/** More fields than this in one message are refused; GNS's largest message has 13. */
export const MAX_PROTOBUF_FIELDS = 128;

/** The low three bits of a tag; 3 and 4 are proto2's groups, which GNS does not use. */
const WireType = { Varint: 0, Fixed64: 1, Bytes: 2, Fixed32: 5 } as const;

/**
 * All fields in the order they stand, unknown ones too; the caller picks what it knows.
 * @throws DecodeError on truncation, groups, field number 0, varints over 53 bits, too many fields.
 */
export function decodeProtobuf(bytes: Uint8Array): ProtobufField[] {
  const reader = new ByteReader(bytes);
  const fields: ProtobufField[] = [];
  while (reader.remaining > 0) {
    const at = reader.offset;
    const tag = reader.varint('field tag');
    const number = Math.floor(tag / 8);
    if (number === 0 || number > 0x1fff_ffff) {
      throw new DecodeError('WIRE_MALFORMED', 'field number', at);
    }
    if (fields.length >= MAX_PROTOBUF_FIELDS) {
      throw new DecodeError('WIRE_MALFORMED', `over ${MAX_PROTOBUF_FIELDS} fields`, at);
    }
    fields.push(readField(reader, number, tag % 8));
  }
  return fields;
}

function readField(reader: ByteReader, number: number, wireType: number): ProtobufField {
  switch (wireType) {
    case WireType.Varint:
      return { number, type: 'varint', value: reader.varint('varint field') };
    case WireType.Fixed64:
      return { number, type: 'fixed64', value: reader.u64le('fixed64 field') };
    case WireType.Bytes:
      return { number, type: 'bytes', value: reader.bytes(reader.varint('length'), 'field') };
    case WireType.Fixed32:
      return { number, type: 'fixed32', value: reader.u32le('fixed32 field') };
    default:
      throw new DecodeError('WIRE_MALFORMED', `wire type ${wireType}`, reader.offset);
  }
}

/** Writes fields in the order of its calls; ascending numbers give what C++ protobuf writes. */
export class ProtobufWriter {
  readonly #bytes: ByteWriter = new ByteWriter();

  varint(number: number, value: number): this {
    this.#bytes.varint(number * 8 + WireType.Varint).varint(value);
    return this;
  }

  fixed32(number: number, value: number): this {
    this.#bytes.varint(number * 8 + WireType.Fixed32).u32le(value);
    return this;
  }

  fixed64(number: number, value: bigint): this {
    this.#bytes.varint(number * 8 + WireType.Fixed64).u64le(value);
    return this;
  }

  bytes(number: number, value: Uint8Array): this {
    this.#bytes
      .varint(number * 8 + WireType.Bytes)
      .varint(value.length)
      .bytes(value);
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.finish();
  }
}
