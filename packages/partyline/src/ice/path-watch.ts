import type { Millis } from '../base/index.ts';
import type { IceTimings } from './agent-options.ts';
import type { CandidatePair } from './candidate-pair.ts';

/** Requests without an answer after which a pair is taken for dead until it answers again. */
const SUSPECT_REQUESTS = 4;

/**
 * Whether the selected pair still works: silence after something was sent, and something else after that,
 * is asked about at once, a pair that is idle every few seconds (RFC 8445 §11, RFC 7675 §5.1).
 */
export class PathWatch {
  readonly #timings: IceTimings;
  readonly #random: () => number;
  #pair: CandidatePair | undefined;
  /** A datagram was sent since anything was heard: perhaps a last word, which nobody answers. */
  #isSent = false;
  /** When the next one was, which is no last word after that: from then on silence counts. */
  #sentAt: Millis = Number.POSITIVE_INFINITY;
  /** When it was asked or used last. */
  #usedAt: Millis = 0;
  /** How long it may be idle then. */
  #keepaliveMs = 0;
  /** RFC 7675: consent is asked for whatever is sent. */
  readonly #hasConsent: boolean;

  /** `random` gives numbers in [0, 1). */
  constructor(timings: IceTimings, random: () => number) {
    this.#timings = timings;
    this.#random = random;
    this.#hasConsent = timings.consentMs < Number.POSITIVE_INFINITY;
  }

  /** Watches another pair from now on, or none. */
  watch(now: Millis, pair: CandidatePair | undefined): void {
    this.#pair = pair;
    this.noteHeard();
    this.noteAsked(now);
  }

  /** A datagram of the game. It also does what a keepalive does (RFC 8445 §11). */
  noteSent(now: Millis): void {
    if (!this.#hasConsent) this.#usedAt = now;
    if (this.#isSent) this.#sentAt = Math.min(this.#sentAt, now);
    this.#isSent = true;
  }

  noteHeard(): void {
    this.#isSent = false;
    this.#sentAt = Number.POSITIVE_INFINITY;
  }

  /** Something says that the pair may be dead: it is asked with the next turn. */
  askNow(now: Millis): void {
    this.#usedAt = Math.min(this.#usedAt, now - this.#keepaliveMs);
  }

  noteAsked(now: Millis): void {
    this.#usedAt = now;
    this.#keepaliveMs = this.#timings.keepaliveMs * (0.8 + 0.4 * this.#random());
  }

  /** When the pair is to be asked whether it is still there; later by `patienceMs` where silence is why. */
  askAt(patienceMs: Millis): Millis {
    if (this.#pair === undefined || this.#pair.check !== undefined) return Number.POSITIVE_INFINITY;
    const silentAt = this.#sentAt + this.#timings.silenceMs + patienceMs;
    return Math.min(this.#usedAt + this.#keepaliveMs, silentAt);
  }

  /** A question went without an answer, so far. */
  get isDoubtful(): boolean {
    return this.isSuspect || (this.#pair?.check?.requests ?? 0) > 1;
  }

  /** Several questions went without an answer. */
  get isSuspect(): boolean {
    const pair = this.#pair;
    if (pair === undefined) return false;
    return pair.unanswered > 0 || (pair.check?.requests ?? 0) > SUSPECT_REQUESTS;
  }
}
