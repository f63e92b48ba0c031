import { type Cipher, createCipheriv } from 'node:crypto';
import { NetError } from '../../base/index.ts';
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  KEY_BYTES,
  type PacketAead,
  requireLength,
} from '../../crypto/index.ts';
import {
  type GhashExports,
  Layout,
  MAX_GCM_BYTES,
  openGhash,
  TABLE_BYTES,
  writeTable,
} from './ghash-module.ts';

const BLOCK_BYTES = 16;
/** Packets whose key stream is made at once, when they come one after the other. */
const MAX_AHEAD_PACKETS = 8;
/** Key stream kept of one direction, in bytes; a call of OpenSSL costs as much as 8 KiB of stream. */
const MAX_AHEAD_BYTES = 8 * 1024;
/** A number so little over or under what was expected belongs to the same run: lost or late packets. */
const MAX_GAP_PACKETS = 32;
const NOTHING = new Uint8Array(0);

/** One instance for all keys of the thread: a packet is worked on within one call. */
interface Engine extends GhashExports {
  readonly bytes: Uint8Array;
  /** Whose table lies in memory. */
  holder: PacketGcm | undefined;
}

let engine: Engine | 'unsupported' | undefined;

/** `undefined` where WebAssembly has no SIMD. */
export function openPacketGcm(key: Uint8Array, iv: Uint8Array): PacketAead | undefined {
  engine ??= openEngine();
  return engine === 'unsupported' ? undefined : new PacketGcm(engine, key, iv);
}

function openEngine(): Engine | 'unsupported' {
  const module = openGhash();
  if (module === undefined) return 'unsupported';
  return { ...module, bytes: new Uint8Array(module.memory.buffer), holder: undefined };
}

/**
 * AES-256-GCM for many packets under one key. `createCipheriv` costs more than the encryption of a
 * packet, so one ECB cipher lives as long as the key and turns counters into key stream, of several
 * packets ahead while they come in order; the rest of GCM is in `ghash-module.ts` (docs/adr/0051).
 */
class PacketGcm implements PacketAead {
  readonly #engine: Engine;
  readonly #cipher: Cipher;
  readonly #ivLow: number;
  readonly #ivHigh: number;
  readonly #ivLast: number;
  #table: Uint8Array = NOTHING;
  /** Key stream of the packets [first, first + count), `blocks` of it each. */
  #stream: Uint8Array = NOTHING;
  #first = 0;
  #count = 0;
  #blocks = 0;
  /** The most that a packet of the present run needed. */
  #mostBlocks = 0;

  constructor(engine: Engine, key: Uint8Array, iv: Uint8Array) {
    requireLength('AEAD key', key, KEY_BYTES);
    requireLength('AEAD nonce', iv, AEAD_NONCE_BYTES);
    this.#engine = engine;
    this.#cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    const view = new DataView(iv.buffer, iv.byteOffset, iv.length);
    this.#ivLow = view.getUint32(0, true);
    this.#ivHigh = view.getUint32(4, true);
    this.#ivLast = view.getUint32(8, true);
  }

  seal(number: number, plaintext: Uint8Array, target: Uint8Array, at: number): number {
    const { length } = plaintext;
    if (length > MAX_GCM_BYTES) {
      throw new NetError('CRYPTO_INPUT_INVALID', `a packet takes ${MAX_GCM_BYTES} bytes`);
    }
    const { bytes } = this.#engine;
    this.#prepare(number, length);
    bytes.set(plaintext, Layout.packet);
    this.#engine.seal(length);
    const sealedBytes = length + AEAD_TAG_BYTES;
    target.set(bytes.subarray(Layout.packet, Layout.packet + sealedBytes), at);
    return sealedBytes;
  }

  open(number: number, sealed: Uint8Array): Uint8Array | undefined {
    const length = sealed.length - AEAD_TAG_BYTES;
    if (length < 0 || length > MAX_GCM_BYTES) return undefined;
    const { bytes } = this.#engine;
    this.#prepare(number, length);
    bytes.set(sealed, Layout.packet);
    if (this.#engine.open(length) === 0) return undefined;
    return bytes.subarray(Layout.packet, Layout.packet + length);
  }

  release(): void {
    this.#stream = NOTHING;
    this.#count = 0;
    this.#blocks = 0;
  }

  /** Puts the key's table and the packet's key stream into the engine's memory. */
  #prepare(number: number, length: number): void {
    const { bytes } = this.#engine;
    if (this.#engine.holder !== this) {
      if (this.#table.length === 0) this.#makeTable();
      bytes.set(this.#table, Layout.table);
      this.#engine.holder = this;
    }
    const blocks = 1 + Math.ceil(length / BLOCK_BYTES);
    if (blocks > this.#mostBlocks) this.#mostBlocks = blocks;
    const ahead = number - this.#first;
    if (ahead >= 0 && ahead < this.#count && blocks <= this.#blocks) {
      const from = ahead * this.#blocks * BLOCK_BYTES;
      bytes.set(this.#stream.subarray(from, from + blocks * BLOCK_BYTES), Layout.stream);
    } else if (ahead < this.#count && ahead > -MAX_GAP_PACKETS) {
      bytes.set(this.#makeStream(number, 1, blocks), Layout.stream); // late, or longer than others
    } else {
      this.#moveAhead(number, blocks);
    }
  }

  /** The run goes on, with twice as many packets at once, or another one begins. */
  #moveAhead(number: number, blocks: number): void {
    const expected = this.#first + this.#count;
    const isSameRun = this.#count > 0 && number < expected + MAX_GAP_PACKETS;
    const each = Math.max(blocks, isSameRun ? this.#mostBlocks : 0);
    const most = Math.floor(MAX_AHEAD_BYTES / (each * BLOCK_BYTES));
    const wanted = isSameRun ? Math.min(2 * this.#count, MAX_AHEAD_PACKETS) : 1;
    this.#count = Math.max(1, Math.min(wanted, most));
    this.#first = number;
    this.#blocks = each;
    this.#mostBlocks = blocks;
    this.#stream = this.#makeStream(number, this.#count, each);
    this.#engine.bytes.set(this.#stream.subarray(0, blocks * BLOCK_BYTES), Layout.stream);
  }

  /** One call of OpenSSL; the nonce of a packet is the IV with its number added to the first 64 bits. */
  #makeStream(number: number, count: number, blocks: number): Uint8Array {
    const { bytes } = this.#engine;
    let at: number = Layout.counters;
    for (let next = number; next < number + count; next++) {
      const low = this.#ivLow + (next % 2 ** 32);
      const carry = low >= 2 ** 32 ? 1 : 0;
      const high = this.#ivHigh + Math.floor(next / 2 ** 32) + carry;
      this.#engine.counters(at, blocks, low, high, this.#ivLast); // words wrap modulo 2^32
      at += blocks * BLOCK_BYTES;
    }
    return this.#cipher.update(bytes.subarray(Layout.counters, at));
  }

  #makeTable(): void {
    this.#table = new Uint8Array(TABLE_BYTES);
    writeTable(this.#cipher.update(new Uint8Array(BLOCK_BYTES)), this.#table);
  }
}
