import type { Millis } from '../base/index.ts';
import type { LinkLimits } from './link-limits.ts';

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
  /** Since when a sign of life is missing: the first unanswered ping, or the loss of the wire. */
  #awaitedSince: Millis | undefined;
  #unanswered = 0;

  /** The first wire is there: from now on silence counts. */
  start(now: Millis): void {
    this.#heardAt ??= now;
  }

  /** Something was asked, and nothing has been heard since. */
  get isAwaited(): boolean {
    return this.#awaitedSince !== undefined;
  }

  /** When the other side was heard last; -Infinity for never. */
  get heardAt(): Millis {
    return this.#heardAt ?? Number.NEGATIVE_INFINITY;
  }

  get pingMs(): number | undefined {
    const [best, second] = [...this.#samples].sort((a, b) => a - b);
    return best === undefined ? undefined : (best + (second ?? best)) / 2;
  }

  /** From now on silence counts: something is asked, or cannot be, for want of a wire. */
  await(now: Millis): void {
    this.#awaitedSince ??= now;
  }

  /** The token for the next ping. */
  startPing(now: Millis): number {
    this.#token = (this.#token + 1) >>> 0;
    this.#sentAt = now;
    this.#unanswered++;
    this.await(now);
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
    this.#awaitedSince = undefined;
  }

  /**
   * Silent for so long, although so many pings were sent (or could not be sent at all). Who was not
   * asked may be silent: at rest that time begins one interval before the ping, as it does between two.
   */
  isSilent(
    now: Millis,
    limits: Pick<LinkLimits, 'timeoutMs' | 'timeoutPings' | 'pingIntervalMs'>,
    sends: boolean,
  ): boolean {
    if (this.#heardAt === undefined || this.#awaitedSince === undefined) return false;
    const since = Math.max(this.#heardAt, this.#awaitedSince - limits.pingIntervalMs);
    if (now - since < limits.timeoutMs) return false;
    return !sends || this.#unanswered >= limits.timeoutPings;
  }
}
