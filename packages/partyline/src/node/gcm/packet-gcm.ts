import { NetError } from '../../base/index.ts';
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  KEY_BYTES,
  type PacketAead,
  requireLength,
} from '../../crypto/index.ts';
import { BLOCKS_AT_ONCE } from './aes-code.ts';
import { GcmEngine } from './gcm-engine.ts';
import { Layout, MAX_GCM_BYTES } from './layout.ts';
import { StreamAhead } from './stream-ahead.ts';

const BLOCK_BYTES = 16;
/** A longer packet costs less with OpenSSL, called once for several: 12 blocks of stream. */
const MAX_SHORT_BYTES = 176;

let engine: GcmEngine | 'unsupported' | undefined;

/** `undefined` where WebAssembly has no SIMD. */
export function openPacketGcm(key: Uint8Array, iv: Uint8Array): PacketAead | undefined {
  engine ??= GcmEngine.open() ?? 'unsupported';
  return engine === 'unsupported' ? undefined : new PacketGcm(engine, key, iv);
}

/**
 * AES-256-GCM for many packets under one key (docs/adr/0051). `createCipheriv` for each packet costs
 * more than its encryption, so `gcm-module.ts` does all of a short packet, and of a long one all but AES.
 */
class PacketGcm implements PacketAead {
  readonly #engine: GcmEngine;
  readonly #place: number;
  readonly #key: Uint8Array;
  readonly #ivLow: number;
  readonly #ivHigh: number;
  readonly #ivLast: number;
  /** Made for the first long packet. */
  #ahead: StreamAhead | undefined;

  constructor(engine: GcmEngine, key: Uint8Array, iv: Uint8Array) {
    requireLength('AEAD key', key, KEY_BYTES);
    requireLength('AEAD nonce', iv, AEAD_NONCE_BYTES);
    this.#engine = engine;
    const { place, bytes } = engine.keyOf(key);
    this.#place = place;
    this.#key = bytes;
    const view = new DataView(iv.buffer, iv.byteOffset, iv.length);
    this.#ivLow = view.getInt32(0, true);
    this.#ivHigh = view.getInt32(4, true);
    this.#ivLast = view.getInt32(8, true);
  }

  seal(number: number, plaintext: Uint8Array, target: Uint8Array, at: number): number {
    const { length } = plaintext;
    if (length > MAX_GCM_BYTES) {
      throw new NetError('CRYPTO_INPUT_INVALID', `a packet takes ${MAX_GCM_BYTES} bytes`);
    }
    const { bytes, gcm } = this.#engine;
    const place = this.#prepare(number, length);
    bytes.set(plaintext, Layout.packet);
    gcm.seal(place, length);
    const sealedBytes = length + AEAD_TAG_BYTES;
    target.set(this.#engine.packet(sealedBytes), at);
    return sealedBytes;
  }

  open(number: number, sealed: Uint8Array): Uint8Array | undefined {
    const length = sealed.length - AEAD_TAG_BYTES;
    if (length < 0 || length > MAX_GCM_BYTES) return undefined;
    const { bytes, gcm } = this.#engine;
    const place = this.#prepare(number, length);
    bytes.set(sealed, Layout.packet);
    if (gcm.open(place, length) === 0) return undefined;
    return this.#engine.packet(length);
  }

  release(): void {
    this.#ahead = undefined;
  }

  /** Makes the key ready and the packet's key stream; returns the address of the key's place. */
  #prepare(number: number, length: number): number {
    const { gcm } = this.#engine;
    const place = this.#engine.ready(this.#place, this.#key);
    const blocks = 1 + Math.ceil(length / BLOCK_BYTES);
    if (length > MAX_SHORT_BYTES) {
      this.#ahead ??= this.#openAhead();
      this.#ahead.put(number, blocks);
    } else {
      this.#counters(number, blocks, Layout.stream);
      gcm.encrypt(place, Layout.stream, Math.ceil(blocks / BLOCKS_AT_ONCE));
    }
    return place;
  }

  #openAhead(): StreamAhead {
    return new StreamAhead(this.#engine, this.#key.subarray(0, KEY_BYTES), (number, blocks, at) =>
      this.#counters(number, blocks, at),
    );
  }

  /** The nonce of a packet is the IV with its number added to the first 64 bits. */
  #counters(number: number, blocks: number, at: number): void {
    const low = (this.#ivLow >>> 0) + (number % 2 ** 32);
    const carry = low >= 2 ** 32 ? 1 : 0;
    const high = this.#ivHigh + Math.floor(number / 2 ** 32) + carry;
    this.#engine.gcm.counters(at, blocks, low, high, this.#ivLast); // words wrap modulo 2^32
  }
}
