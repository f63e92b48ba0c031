import { DecodeError } from './errors.ts';

/** Largest value {@link ByteWriter.varint} accepts: 2^53 - 1, so that it stays a `number`. */
export const MAX_VARINT: number = Number.MAX_SAFE_INTEGER;

/** Reads a datagram from front to back. Every read checks bounds and throws {@link DecodeError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(what = 'u8'): number {
    return this.#view.getUint8(this.#take(1, what));
  }

  /** Network byte order. */
  u16be(what = 'u16be'): number {
    return this.#view.getUint16(this.#take(2, what));
  }

  /** Network byte order. */
  u32be(what = 'u32be'): number {
    return this.#view.getUint32(this.#take(4, what));
  }

  /** Little endian, as GNS has it. */
  u16le(what = 'u16le'): number {
    return this.#view.getUint16(this.#take(2, what), true);
  }

  /** Little endian, as GNS has it. */
  u32le(what = 'u32le'): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  /** Little endian, as protobuf's fixed64 has it. */
  u64le(what = 'u64le'): bigint {
    return this.#view.getBigUint64(this.#take(8, what), true);
  }

  /** A view, not a copy: the caller copies if it keeps it past the current call. */
  bytes(length: number, what = 'bytes'): Uint8Array {
    const at = this.#take(length, what);
    return this.#bytes.subarray(at, at + length);
  }

  /** LEB128, as protobuf writes it; rejects what does not fit {@link MAX_VARINT}. */
  varint(what = 'varint'): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.u8(what);
      value += (byte & 0x7f) * scale;
      if (value > MAX_VARINT) break;
      if (byte < 0x80) return value;
    }
    throw new DecodeError('WIRE_MALFORMED', `${what} is over 53 bits`, this.#offset);
  }

  #take(length: number, what: string): number {
    if (length > this.remaining) {
      throw new DecodeError('WIRE_TRUNCATED', `${what} needs ${length} bytes`, this.#offset);
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}

/**
 * Writes into a buffer it grows; {@link ByteWriter.finish} hands out exactly what was written.
 * Without a DataView: making one costs as much as writing fifty bytes.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
  }

  u8(value: number): this {
    const at = this.#reserve(1); // first: it may replace the buffer
    this.#bytes[at] = value;
    return this;
  }

  u16be(value: number): this {
    return this.u8(value >>> 8).u8(value);
  }

  u32be(value: number): this {
    return this.u16be(value >>> 16).u16be(value);
  }

  u16le(value: number): this {
    return this.u8(value).u8(value >>> 8);
  }

  u32le(value: number): this {
    return this.u16le(value).u16le(value >>> 16);
  }

  u64le(value: bigint): this {
    return this.u32le(Number(value & 0xffff_ffffn)).u32le(Number((value >> 32n) & 0xffff_ffffn));
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  varint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.u8(rest);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return at;
  }
}
