import type { Millis } from '../base/index.ts';
import type { RoundTrip } from '../snp/index.ts';

/** An answer is late after twice the worst ping and this, but not later than the next (GNS `CalcConservativeTimeout`), in ms. */
const REPLY_SLACK_MS = 250;
const MAX_REPLY_MS = 1250;
/** A peer that may delay its answer gets this on top, in ms. */
const DELAYED_REPLY_MS = 200;
/** While an answer is late, so often is asked again (GNS `k_usecAggressivePingInterval`), in ms. */
const URGENT_PING_MS = 200;
/** A silent peer is asked after this (GNS `k_usecKeepAliveIntervalActive`), in ms. */
export const KEEPALIVE_MS = 10_000;
/** Answers missed before a connection can time out. */
const MIN_MISSED_REPLIES = 4;
/** While traffic flows, the round trip is asked for so often (GNS `k_usecLinkStatsMaxPingRequestInterval`), in ms. */
const TRACER_PING_MS = 7000;

/** Is the peer still there? GNS's `LinkStatsTrackerBase` as far as it keeps a connection alive. */
export class Liveness {
  readonly #roundTrip: RoundTrip;
  readonly #keepaliveMs: number;
  #receivedAt: Millis;
  /** When the answer under way is late; Infinity while none is. */
  #replyDueAt: Millis = Number.POSITIVE_INFINITY;
  #missedReplies = 0;
  /** When the first answer was missed; Infinity for none. */
  #silentSince: Millis = Number.POSITIVE_INFINITY;
  #askedUrgentlyAt: Millis = Number.NEGATIVE_INFINITY;
  #askedAt: Millis;
  #mustAsk = false;

  /** A peer that is silent for `keepaliveMs` is asked. */
  constructor(now: Millis, roundTrip: RoundTrip, keepaliveMs: number = KEEPALIVE_MS) {
    this.#roundTrip = roundTrip;
    this.#keepaliveMs = keepaliveMs;
    this.#receivedAt = now;
    this.#askedAt = now;
  }

  get receivedAt(): Millis {
    return this.#receivedAt;
  }

  get missedReplies(): number {
    return this.#missedReplies;
  }

  /** An authentic packet came. */
  received(now: Millis): void {
    this.#receivedAt = now;
    this.#replyDueAt = Number.POSITIVE_INFINITY;
    this.#missedReplies = 0;
    this.#silentSince = Number.POSITIVE_INFINITY;
  }

  /** Something was sent that must be answered. */
  expectReply(now: Millis, mayBeDelayed: boolean): void {
    if (this.#replyDueAt === Number.POSITIVE_INFINITY) {
      const { smoothedMs, worstMs } = this.#roundTrip;
      const patient = smoothedMs < 0 ? MAX_REPLY_MS : 2 * worstMs + REPLY_SLACK_MS;
      this.#replyDueAt = now + Math.min(patient, MAX_REPLY_MS);
      if (mayBeDelayed) this.#replyDueAt += DELAYED_REPLY_MS;
    }
    if (!mayBeDelayed) {
      this.#askedUrgentlyAt = now;
      this.#mustAsk = false;
    }
    this.#askedAt = now;
  }

  /** The peer is asked for a sign of life now, whatever it has said. */
  ask(): void {
    this.#mustAsk = true;
  }

  check(now: Millis): void {
    if (this.#replyDueAt > now) return;
    this.#replyDueAt = Number.POSITIVE_INFINITY;
    this.#missedReplies += 1;
    this.#silentSince = Math.min(this.#silentSince, now);
  }

  /** GNS: `timeoutMs` since the first missed answer, and at least four missed. */
  isDead(now: Millis, timeoutMs: number): boolean {
    return now >= this.#silentSince + timeoutMs && this.#missedReplies >= MIN_MISSED_REPLIES;
  }

  /** How to ask the peer for a sign of life now: `urgent` wants it at once. */
  question(now: Millis): 'urgent' | 'keepalive' | undefined {
    const isOverdue = this.#missedReplies > 0 && now >= this.#askedUrgentlyAt + URGENT_PING_MS;
    if (this.#mustAsk || isOverdue) return 'urgent';
    const isWaiting = this.#replyDueAt !== Number.POSITIVE_INFINITY;
    return !isWaiting && now >= this.#receivedAt + this.#keepaliveMs ? 'keepalive' : undefined;
  }

  /** Should a packet that leaves anyhow ask for an ack, to learn the round trip? */
  wantsTracer(now: Millis): boolean {
    return now >= this.#askedAt + TRACER_PING_MS;
  }

  /** When {@link Liveness.check} or {@link Liveness.question} has something to say. */
  get nextAt(): Millis {
    if (this.#mustAsk) return Number.NEGATIVE_INFINITY;
    if (this.#missedReplies > 0) {
      return Math.min(this.#replyDueAt, this.#askedUrgentlyAt + URGENT_PING_MS);
    }
    const isWaiting = this.#replyDueAt !== Number.POSITIVE_INFINITY;
    return isWaiting ? this.#replyDueAt : this.#receivedAt + this.#keepaliveMs;
  }
}
