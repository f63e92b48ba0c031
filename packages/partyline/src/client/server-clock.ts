import type { Millis } from '../base/index.ts';

/** How fast an old best sample loses its authority: a clock drifts, a route changes. */
const AGING = 1.1;
/** Weight of a new round trip in the smoothed one, as TCP has it (RFC 6298 §2.3). */
const SMOOTHING = 1 / 8;

/** What time it is at the server, from answers that carry its time (Cristian's algorithm). */
export class ServerClock {
  #offsetMs = 0;
  #bestRoundTripMs: number = Infinity;
  #pingMs: number | undefined;

  /** Smoothed round trip, in milliseconds; `undefined` before the first answer. */
  get pingMs(): number | undefined {
    return this.#pingMs;
  }

  /** @param sentAt and `now` on the caller's monotonic clock */
  handleAnswer(sentAt: Millis, now: Millis, serverTimeMs: number): void {
    const roundTripMs = now - sentAt;
    this.#pingMs =
      this.#pingMs === undefined
        ? roundTripMs
        : this.#pingMs + (roundTripMs - this.#pingMs) * SMOOTHING;
    if (roundTripMs <= this.#bestRoundTripMs) {
      this.#bestRoundTripMs = roundTripMs;
      this.#offsetMs = serverTimeMs - (now - roundTripMs / 2);
    } else {
      this.#bestRoundTripMs = Math.max(1, this.#bestRoundTripMs) * AGING;
    }
  }

  /** The server's time at `now`, in milliseconds since 1970. */
  at(now: Millis): number {
    return now + this.#offsetMs;
  }
}
