import type { Millis } from '../base/index.ts';
import type { LinkLimits } from './link-limits.ts';

/** What a link knows when it asks how long to wait. */
export interface PaceFacts {
  /** Of both directions, since the link began. */
  readonly messages: number;
  readonly awaitsAck: boolean;
  /** When the other side was heard last; `undefined` while a sign of life is missing or there is no wire. */
  readonly heardAt: Millis | undefined;
}

/**
 * How often a link asks whether the other side is there: each second while the game says something or
 * an answer is missing, seldom at rest, and then one side for both (docs/adr/0036).
 */
export class PingPace {
  readonly #limits: LinkLimits;
  readonly #restIntervalMs: number;
  /** As of the last question, and when there was another one. */
  #messages = 0;
  #activeAt: Millis;
  #isResting = false;

  /** `isAsked`: at rest it is the other side that pings, and this one where that does not. */
  constructor(now: Millis, limits: LinkLimits, isAsked: boolean) {
    this.#limits = limits;
    this.#restIntervalMs = limits.restPingIntervalMs * (isAsked ? 1.5 : 1);
    this.#activeAt = now;
  }

  /** How long the next ping may wait; 0: it is due. */
  waitMs(now: Millis, { messages, awaitsAck, heardAt }: PaceFacts): number {
    if (messages !== this.#messages || awaitsAck) this.#activeAt = now;
    this.#messages = messages;
    const isQuiet = now - this.#activeAt >= this.#limits.restAfterMs;
    const canRest = isQuiet && heardAt !== undefined;
    const waitMs = canRest ? Math.max(0, heardAt + this.#restIntervalMs - now) : 0;
    this.#isResting = waitMs > this.#limits.pingIntervalMs;
    return waitMs;
  }

  /** Whether that was longer than a link in use waits. */
  get isResting(): boolean {
    return this.#isResting;
  }

  /** Whether there were others than these messages when it went to rest. */
  isStirredBy(messages: number): boolean {
    return this.#isResting && messages !== this.#messages;
  }

  /** Something was said, or the wire is another one. True when the link was at rest: it asks again soon. */
  stir(now: Millis): boolean {
    const wasResting = this.#isResting;
    this.#activeAt = now;
    this.#isResting = false;
    return wasResting;
  }
}
