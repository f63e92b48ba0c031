import type { Millis } from '../base/index.ts';

/**
 * Ping and silence of one link. Smoothed as GNS does (`LinkStatsTracker`): the mean of the two best
 * of the last three samples.
 */
export class RoundTrip {
  #samples: number[] = [];
  #token = 0;
  #sentAt: Millis | undefined;
  /** Undefined until there is something to hear by. */
  #heardAt: Millis | undefined;
  #unanswered = 0;

  /** The first wire is there: from now on silence counts. */
  start(now: Millis): void {
    this.#heardAt ??= now;
  }

  get pingMs(): number | undefined {
    const [best, second] = [...this.#samples].sort((a, b) => a - b);
    return best === undefined ? undefined : (best + (second ?? best)) / 2;
  }

  /** The token for the next ping. */
  startPing(now: Millis): number {
    this.#token = (this.#token + 1) >>> 0;
    this.#sentAt = now;
    this.#unanswered++;
    return this.#token;
  }

  handlePong(now: Millis, token: number): void {
    if (token !== this.#token || this.#sentAt === undefined) return;
    this.#samples = [...this.#samples.slice(-2), now - this.#sentAt];
    this.#sentAt = undefined;
  }

  /** Any packet of the other side. */
  heard(now: Millis): void {
    this.#heardAt = now;
    this.#unanswered = 0;
  }

  /** Silent for so long, although so many pings were sent (or could not be sent at all). */
  isSilent(
    now: Millis,
    limits: { timeoutMs: number; timeoutPings: number },
    sends: boolean,
  ): boolean {
    if (this.#heardAt === undefined || now - this.#heardAt < limits.timeoutMs) return false;
    return !sends || this.#unanswered >= limits.timeoutPings;
  }
}
