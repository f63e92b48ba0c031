import type { Millis } from '../../base/index.ts';

/** Waits between the packets that look for a sign of life at the other end, in ms; the last repeats. */
const WAITS_MS: readonly number[] = [60, 100, 200, 400, 800];

/**
 * On a selected pair: is the other end there, with our keys? Asked until a packet of its comes: it
 * may not have selected the pair, or not have had our answer yet. GNS `P2PTransportThink`.
 */
export class RouteProbe {
  #asked = 0;
  #askAt: Millis = Number.POSITIVE_INFINITY;

  /** When the next question is due; Infinity for never. */
  get nextAt(): Millis {
    return this.#askAt;
  }

  /** A pair was selected: asks at once. */
  begin(now: Millis): void {
    this.#asked = 0;
    this.#askAt = now;
  }

  /** True when a question is to be sent now. */
  isDue(now: Millis): boolean {
    if (now < this.#askAt) return false;
    this.#askAt = now + (WAITS_MS[Math.min(this.#asked, WAITS_MS.length - 1)] ?? 0);
    this.#asked += 1;
    return true;
  }

  /** The other end was heard. */
  end(): void {
    this.#askAt = Number.POSITIVE_INFINITY;
  }
}
