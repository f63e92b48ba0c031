/** How often something may happen: `burst` at once, then `perSecond`. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Counts against one {@link Rate}; full at the start. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** False when the rate is exceeded; nothing is taken then. What costs more than a full bucket costs all of it. */
  take(nowMs: number, cost = 1): boolean {
    this.#refill(nowMs);
    const due = Math.min(cost, this.#rate.burst);
    if (this.#tokens < due) return false;
    this.#tokens -= due;
    return true;
  }

  /** Gives one back that was taken for what turned out not to count. */
  giveBack(): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + 1);
  }

  /** How long until `cost` can be taken; 0 when it can be now. At most what a full bucket takes to fill. */
  waitMs(nowMs: number, cost = 1): number {
    this.#refill(nowMs);
    const missing = Math.min(cost, this.#rate.burst) - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil((missing / this.#rate.perSecond) * 1000);
  }

  #refill(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs <= 0) return;
    this.#tokens = Math.min(
      this.#rate.burst,
      this.#tokens + (elapsedMs * this.#rate.perSecond) / 1000,
    );
    this.#atMs = nowMs;
  }
}
