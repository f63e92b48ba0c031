import type { Millis } from '../../base/index.ts';
import { CONNECT_RETRY_MS } from '../protocol.ts';

/** So many signals may leave at once; GNS leaves 100 ms between any two. */
const BURST_SIGNALS = 4;
/** After a burst, between two signals (GNS `k_usecP2PSignalMinSendInterval`), in ms. */
const SPACING_MS = 100;
/** What comes within this shares a signal (GNS: 10), in ms. */
const COMPANY_MS = 2;
/** The first signal waits so long for a first candidate (GNS: 10), in ms. */
const FIRST_CANDIDATE_MS = 10;

/** When one connection's next signal leaves: GNS `ScheduleSendSignal` and `CheckWaitForInitialRoutingReady`. */
export class SignalSchedule {
  /** Something wants to leave by then. */
  #wantedAt: Millis = Number.POSITIVE_INFINITY;
  /** A request that nobody answered is repeated then. */
  #repeatAt: Millis = Number.POSITIVE_INFINITY;
  #budget = BURST_SIGNALS;
  #budgetAt: Millis;
  #waitsUntil: Millis;

  constructor(now: Millis) {
    this.#budgetAt = now;
    this.#waitsUntil = now + FIRST_CANDIDATE_MS;
  }

  /** There is something to tell. */
  want(now: Millis): void {
    this.#wantedAt = Math.min(this.#wantedAt, now + COMPANY_MS);
  }

  /** As {@link SignalSchedule.want}, without waiting for company. */
  wantNow(now: Millis): void {
    this.#wantedAt = Math.min(this.#wantedAt, now);
    this.#waitsUntil = now;
  }

  /** There is a candidate to tell, or there will be none: the first signal need not wait. */
  candidateKnown(now: Millis): void {
    this.#waitsUntil = Math.min(this.#waitsUntil, now);
  }

  /** When the next signal leaves, if the reliable messages ask for one at `retryAt`. */
  nextAt(retryAt: Millis): Millis {
    const wantedAt = Math.min(this.#wantedAt, this.#repeatAt, retryAt);
    if (wantedAt === Number.POSITIVE_INFINITY) return wantedAt;
    return Math.max(wantedAt, this.#waitsUntil, this.#affordableAt);
  }

  /** A signal leaves. `repeats`: it asks for an answer, and is repeated until {@link SignalSchedule.answered}. */
  sent(now: Millis, repeats: boolean): void {
    this.#budget = Math.min(BURST_SIGNALS, this.#budget + (now - this.#budgetAt) / SPACING_MS) - 1;
    this.#budgetAt = now;
    this.#wantedAt = Number.POSITIVE_INFINITY;
    this.#waitsUntil = Number.NEGATIVE_INFINITY;
    this.#repeatAt = repeats ? now + CONNECT_RETRY_MS : Number.POSITIVE_INFINITY;
  }

  answered(): void {
    this.#repeatAt = Number.POSITIVE_INFINITY;
  }

  /** Nothing is to be told any more. */
  clear(): void {
    this.#wantedAt = Number.POSITIVE_INFINITY;
    this.#repeatAt = Number.POSITIVE_INFINITY;
  }

  get #affordableAt(): Millis {
    const missing = Math.max(0, 1 - this.#budget);
    return this.#budgetAt + missing * SPACING_MS;
  }
}
