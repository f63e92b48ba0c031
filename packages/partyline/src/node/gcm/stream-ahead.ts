import { type Cipher, createCipheriv } from 'node:crypto';
import type { GcmEngine } from './gcm-engine.ts';
import { Layout } from './layout.ts';

const BLOCK_BYTES = 16;
/** Packets whose key stream is made at once, when they come one after the other. */
const MAX_AHEAD_PACKETS = 8;
/** Key stream kept of one direction, in bytes; a call of OpenSSL costs as much as 8 KiB of stream. */
const MAX_AHEAD_BYTES = 8 * 1024;
/** A number so little over or under what was expected belongs to the same run: lost or late packets. */
const MAX_GAP_PACKETS = 32;

/**
 * Key stream by OpenSSL: an `aes-256-ecb` object that lives as long as the key is busy turns
 * counters into stream, of several packets ahead while they come in order.
 */
export class StreamAhead {
  readonly #engine: GcmEngine;
  readonly #cipher: Cipher;
  readonly #counters: (number: number, blocks: number, at: number) => void;
  /** Key stream of the packets [first, first + count), `blocks` of it each. */
  #stream: Uint8Array = new Uint8Array(0);
  #first = 0;
  #count = 0;
  #blocks = 0;
  /** The most that a packet of the present run needed. */
  #mostBlocks = 0;

  /** `counters` writes the counter blocks of a packet. */
  constructor(
    engine: GcmEngine,
    key: Uint8Array,
    counters: (number: number, blocks: number, at: number) => void,
  ) {
    this.#engine = engine;
    this.#cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    this.#counters = counters;
  }

  /** Puts the first `blocks` of a packet's key stream at {@link Layout.stream}. */
  put(number: number, blocks: number): void {
    const { bytes } = this.#engine;
    if (blocks > this.#mostBlocks) this.#mostBlocks = blocks;
    const ahead = number - this.#first;
    if (ahead >= 0 && ahead < this.#count && blocks <= this.#blocks) {
      const from = ahead * this.#blocks * BLOCK_BYTES;
      bytes.set(this.#stream.subarray(from, from + blocks * BLOCK_BYTES), Layout.stream);
    } else if (ahead < this.#count && ahead > -MAX_GAP_PACKETS) {
      bytes.set(this.#make(number, 1, blocks), Layout.stream); // late, or longer than others
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
    this.#stream = this.#make(number, this.#count, each);
    this.#engine.bytes.set(this.#stream.subarray(0, blocks * BLOCK_BYTES), Layout.stream);
  }

  /** One call of OpenSSL. */
  #make(number: number, count: number, blocks: number): Uint8Array {
    let at: number = Layout.counters;
    for (let next = number; next < number + count; next++) {
      this.#counters(next, blocks, at);
      at += blocks * BLOCK_BYTES;
    }
    return this.#cipher.update(this.#engine.bytes.subarray(Layout.counters, at));
  }
}
