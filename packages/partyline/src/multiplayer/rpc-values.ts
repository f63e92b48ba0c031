import {
  type ByteReader,
  type ByteWriter,
  DecodeError,
  fromUtf8,
  NetError,
  utf8,
} from '../base/index.ts';

/** Arrays and objects inside each other; the arguments themselves are depth 0. */
export const MAX_VALUE_DEPTH = 16;

/** docs/wire/rpc.md#values. A first byte from 0x80 up is a whole number from 0 to 127. */
const Tag = {
  Null: 0,
  False: 1,
  True: 2,
  Positive: 3,
  Negative: 4,
  Float32: 5,
  Float64: 6,
  String: 7,
  Bytes: 8,
  Array: 9,
  Object: 10,
  SmallInt: 0x80,
} as const;

/** What can be sent, as a type: `T` itself when it can, else something `T` does not fit. */
export type Sendable<T> = T extends null | boolean | number | string | Uint8Array
  ? T
  : T extends (...args: never) => unknown
    ? never
    : T extends object
      ? { [K in keyof T]: SendableProperty<T[K]> }
      : never;

/** An optional property or argument may be absent. */
export type SendableProperty<T> = T extends undefined ? T : Sendable<T>;

/** Writes arguments. @throws NetError `RPC_ARGUMENTS` on what cannot be sent */
export function encodeValues(writer: ByteWriter, values: readonly unknown[]): void {
  for (const [index, value] of values.entries()) {
    encodeValue(writer, value, 0, () => `argument ${index + 1}`);
  }
}

/** Reads exactly `count` values up to the end. @throws DecodeError */
export function decodeValues(reader: ByteReader, count: number): unknown[] {
  const values = Array.from({ length: count }, () => decodeValue(reader, 0));
  if (reader.remaining > 0) throw malformed('bytes after the last argument', reader);
  return values;
}

function encodeValue(writer: ByteWriter, value: unknown, depth: number, where: () => string): void {
  if (value === null) writer.u8(Tag.Null);
  else if (typeof value === 'boolean') writer.u8(value ? Tag.True : Tag.False);
  else if (typeof value === 'number') encodeNumber(writer, value);
  else if (typeof value === 'string') encodeString(writer.u8(Tag.String), value, where);
  else if (value instanceof Uint8Array) {
    writer.u8(Tag.Bytes).varint(value.length).bytes(value);
  } else if (typeof value === 'object') {
    if (depth >= MAX_VALUE_DEPTH) throw refused(where, `over ${MAX_VALUE_DEPTH} levels deep`);
    if (Array.isArray(value)) encodeArray(writer, value, depth, where);
    else encodeObject(writer, value, depth, where);
  } else throw refused(where, `of type ${typeof value}`);
}

function encodeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) encodeFloat(writer, value);
  else if (value >= 0 && value < 0x80) writer.u8(Tag.SmallInt | value);
  else if (value >= 0) writer.u8(Tag.Positive).varint(value);
  else writer.u8(Tag.Negative).varint(-value);
}

function encodeFloat(writer: ByteWriter, value: number): void {
  const short = Object.is(Math.fround(value), value);
  const view = new DataView(new ArrayBuffer(short ? 4 : 8));
  if (short) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  writer.u8(short ? Tag.Float32 : Tag.Float64).bytes(new Uint8Array(view.buffer));
}

function encodeString(writer: ByteWriter, value: string, where: () => string): void {
  // TextEncoder would replace half a character without a word.
  if (/\p{Surrogate}/u.test(value)) throw refused(where, 'text with half a surrogate pair');
  const bytes = utf8(value);
  writer.varint(bytes.length).bytes(bytes);
}

function encodeArray(
  writer: ByteWriter,
  values: readonly unknown[],
  depth: number,
  where: () => string,
): void {
  writer.u8(Tag.Array).varint(values.length);
  for (let i = 0; i < values.length; i++) {
    encodeValue(writer, values[i], depth + 1, () => `${where()}[${i}]`);
  }
}

function encodeObject(writer: ByteWriter, value: object, depth: number, where: () => string): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw refused(where, 'an instance of a class: send a plain object');
  }
  const entries = Object.entries(value).filter(([, property]) => property !== undefined);
  writer.u8(Tag.Object).varint(entries.length);
  for (const [key, property] of entries) {
    if (key === '__proto__') throw refused(where, 'a property called __proto__');
    encodeString(writer, key, where);
    encodeValue(writer, property, depth + 1, () => `${where()}.${key}`);
  }
}

function decodeValue(reader: ByteReader, depth: number): unknown {
  const tag = reader.u8('value');
  if (tag >= Tag.SmallInt) return tag & 0x7f;
  switch (tag) {
    case Tag.Null:
      return null;
    case Tag.False:
      return false;
    case Tag.True:
      return true;
    case Tag.Positive:
      return reader.varint('number');
    case Tag.Negative:
      return -reader.varint('number');
    case Tag.Float32:
      return float(reader, 4).getFloat32(0);
    case Tag.Float64:
      return float(reader, 8).getFloat64(0);
    case Tag.String:
      return decodeString(reader);
    case Tag.Bytes:
      return reader.bytes(reader.varint('length'), 'bytes').slice();
    case Tag.Array:
      return decodeArray(reader, depth);
    case Tag.Object:
      return decodeObject(reader, depth);
    default:
      throw malformed('value', reader);
  }
}

function float(reader: ByteReader, length: number): DataView {
  const bytes = reader.bytes(length, 'float');
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

function decodeString(reader: ByteReader): string {
  const bytes = reader.bytes(reader.varint('length'), 'text');
  try {
    return fromUtf8(bytes);
  } catch {
    throw malformed('text', reader);
  }
}

/** Every element takes a byte at least, so a count over what is left cannot be honest. */
function decodeCount(reader: ByteReader, depth: number): number {
  if (depth >= MAX_VALUE_DEPTH) throw malformed('too deep', reader);
  const count = reader.varint('count');
  if (count > reader.remaining) throw malformed('count', reader);
  return count;
}

function decodeArray(reader: ByteReader, depth: number): unknown[] {
  const count = decodeCount(reader, depth);
  const values: unknown[] = [];
  for (let i = 0; i < count; i++) values.push(decodeValue(reader, depth + 1));
  return values;
}

function decodeObject(reader: ByteReader, depth: number): Record<string, unknown> {
  const count = decodeCount(reader, depth);
  const value: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    const key = decodeString(reader);
    if (key === '__proto__' || Object.hasOwn(value, key)) throw malformed('key', reader);
    value[key] = decodeValue(reader, depth + 1);
  }
  return value;
}

function malformed(what: string, reader: ByteReader): DecodeError {
  return new DecodeError('WIRE_MALFORMED', what, reader.offset);
}

function refused(where: () => string, why: string): NetError {
  return new NetError('RPC_ARGUMENTS', `${where()} cannot be sent: ${why}`);
}
