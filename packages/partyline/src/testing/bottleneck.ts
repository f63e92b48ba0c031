import type { Millis } from '../base/index.ts';
import { mulberry32 } from './random.ts';

export interface BottleneckOptions {
  /** What leaves the queue, in bytes/s; may be changed while it runs. */
  bytesPerSecond: number;
  /** What the queue holds; the rest is dropped at its tail, in bytes. */
  queueBytes: number;
  /** One way behind the queue, in ms; may be changed, which reorders when it falls. */
  delayMs: number;
  /** Share lost apart from the queue, 0 to 1. Default 0. */
  loss?: number;
  /** For the losses. Default 1. */
  seed?: number;
}

/**
 * The narrowest link of a path, as arithmetic: a packet's arrival is known when it is sent, because
 * the queue is first in, first out. Several senders may share it; they give their packets in the order of time.
 */
export class Bottleneck {
  bytesPerSecond: number;
  delayMs: number;
  /** Packets that found the queue full. */
  dropped = 0;
  readonly #queueBytes: number;
  readonly #loss: number;
  readonly #random: () => number;
  #freeAt: Millis = 0;

  constructor({ bytesPerSecond, queueBytes, delayMs, loss = 0, seed = 1 }: BottleneckOptions) {
    this.bytesPerSecond = bytesPerSecond;
    this.#queueBytes = queueBytes;
    this.delayMs = delayMs;
    this.#loss = loss;
    this.#random = mulberry32(seed);
  }

  /** How long a packet sent now waits before it is put on the line, in ms. */
  queueMs(now: Millis): number {
    return Math.max(0, this.#freeAt - now);
  }

  /** When the packet arrives; `undefined` for one that is lost. */
  send(now: Millis, bytes: number): Millis | undefined {
    const waiting = (this.queueMs(now) * this.bytesPerSecond) / 1000;
    if (waiting + bytes > this.#queueBytes) {
      this.dropped += 1;
      return undefined;
    }
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes * 1000) / this.bytesPerSecond;
    if (this.#random() < this.#loss) return undefined;
    return this.#freeAt + this.delayMs;
  }
}
