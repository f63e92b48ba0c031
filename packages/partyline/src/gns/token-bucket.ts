import type { Millis } from '../base/index.ts';

/** So many a second, and as many at once after a second of rest. */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #at: Millis = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** May it happen now? Then it counts. */
  take(now: Millis): boolean {
    const earned = ((now - this.#at) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
