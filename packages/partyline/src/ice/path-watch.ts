import type { Millis } from '../base/index.ts';
import type { IceTimings } from './agent-options.ts';
import type { CandidatePair } from './candidate-pair.ts';

/** Requests without an answer after which a pair is taken for dead until it answers again. */
const SUSPECT_REQUESTS = 4;

/**
 * Whether the selected pair still works: silence after something was sent is asked about at once,
 * a pair that is idle every few seconds (RFC 8445 §11, RFC 7675 §5.1).
 */
export class PathWatch {
  readonly #timings: IceTimings;
  readonly #random: () => number;
  #pair: CandidatePair | undefined;
  /** When the first datagram was sent since anything was heard. */
  #sentAt: Millis | undefined;
  #keepaliveAt: Millis = Number.POSITIVE_INFINITY;

  /** `random` gives numbers in [0, 1). */
  constructor(timings: IceTimings, random: () => number) {
    this.#timings = timings;
    this.#random = random;
  }

  /** Watches another pair from now on, or none. */
  watch(now: Millis, pair: CandidatePair | undefined): void {
    this.#pair = pair;
    this.#sentAt = undefined;
    this.#keepaliveAt = pair === undefined ? Number.POSITIVE_INFINITY : this.#nextKeepalive(now);
  }

  noteSent(now: Millis): void {
    this.#sentAt ??= now;
  }

  noteHeard(): void {
    this.#sentAt = undefined;
  }

  /** Something says that the pair may be dead: it is asked with the next turn. */
  askNow(now: Millis): void {
    this.#keepaliveAt = Math.min(this.#keepaliveAt, now);
  }

  noteAsked(now: Millis): void {
    this.#keepaliveAt = this.#nextKeepalive(now);
  }

  /** When the pair is to be asked whether it is still there. */
  get askAt(): Millis {
    if (this.#pair === undefined || this.#pair.check !== undefined) return Number.POSITIVE_INFINITY;
    const silent = this.#sentAt === undefined ? Number.POSITIVE_INFINITY : this.#sentAt;
    return Math.min(this.#keepaliveAt, silent + this.#timings.silenceMs);
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

  #nextKeepalive(now: Millis): Millis {
    return now + this.#timings.keepaliveMs * (0.8 + 0.4 * this.#random());
  }
}
