import { type Rate, TokenBucket } from './token-bucket.ts';

/**
 * One bucket a key (an address, an app and an address), for at most `maxKeys` keys. A key that was
 * not seen for longest is forgotten first, so that a flood of addresses costs a fixed amount of memory.
 */
export class KeyedBuckets {
  readonly #rate: Rate;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: Rate, maxKeys = 20_000) {
    this.#rate = rate;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  take(key: string, nowMs: number, cost = 1): boolean {
    return this.#bucket(key, nowMs).take(nowMs, cost);
  }

  /** As {@link TokenBucket.giveBack}. */
  giveBack(key: string): void {
    this.#buckets.get(key)?.giveBack();
  }

  /** As {@link TokenBucket.waitMs}; a key never seen waits 0 and is not remembered. */
  waitMs(key: string, nowMs: number, cost = 1): number {
    return this.#buckets.get(key)?.waitMs(nowMs, cost) ?? 0;
  }

  #bucket(key: string, nowMs: number): TokenBucket {
    const known = this.#buckets.get(key);
    const bucket = known ?? new TokenBucket(this.#rate, nowMs);
    // A Map iterates in order of insertion: putting it back makes it the youngest.
    if (known) this.#buckets.delete(key);
    else this.#makeRoom();
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #makeRoom(): void {
    if (this.#buckets.size < this.#maxKeys) return;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}
