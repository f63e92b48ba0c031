import type { Millis } from '../base/index.ts';

/** A path's round trip without any queue is the least seen within one or two of these, in ms. */
const BASE_WINDOW_MS = 5000;
/** Late timers and busy machines delay acks by a few of these, which are no queue, in ms. */
const STANDING_WINDOW_MS = 5;
/** A round trip this little over the base counts as one without a queue: share, and ms. */
const BASE_SLACK = 0.02;
const BASE_SLACK_MS = 0.3;

/** The least of the last one to two windows of time, in constant memory. */
class WindowedMin {
  #current = Number.POSITIVE_INFINITY;
  #previous = Number.POSITIVE_INFINITY;
  #since: Millis = Number.NEGATIVE_INFINITY;

  get value(): number {
    return Math.min(this.#current, this.#previous);
  }

  add(now: Millis, value: number, windowMs: number): void {
    if (now >= this.#since + windowMs) {
      this.#previous = this.#current;
      this.#current = value;
      this.#since = now;
    } else if (value < this.#current) {
      this.#current = value;
    }
  }

  reset(now: Millis, value: number): void {
    this.#previous = value;
    this.#current = value;
    this.#since = now;
  }
}

/**
 * How long packets stand in queues on the way: the least round trip of the last half round trip
 * or 10 ms (Copa's `RTTstanding`, which leaves out jitter and late acks) over the least of the last 5 to 10 s.
 */
export class QueueDelay {
  readonly #base = new WindowedMin();
  readonly #standing = new WindowedMin();
  /** When the path was seen without a queue. */
  #emptyAt: Millis = 0;
  #now: Millis = 0;

  sample(now: Millis, roundTripMs: number): void {
    const rtt = Math.max(0, roundTripMs);
    this.#now = now;
    this.#base.add(now, rtt, BASE_WINDOW_MS);
    this.#standing.add(now, rtt, Math.max(rtt / 4, STANDING_WINDOW_MS));
    if (rtt <= this.baseMs * (1 + BASE_SLACK) + BASE_SLACK_MS) this.#emptyAt = now;
  }

  /** The path alone, in ms. */
  get baseMs(): number {
    const base = this.#base.value;
    return base === Number.POSITIVE_INFINITY ? 0 : base;
  }

  /** The path with its queue, in ms. */
  get standingMs(): number {
    const standing = this.#standing.value;
    return standing === Number.POSITIVE_INFINITY ? 0 : standing;
  }

  get queueMs(): number {
    return Math.max(0, this.standingMs - this.baseMs);
  }

  /** Has the path not been seen without a queue for so long? */
  isStale(now: Millis, afterMs: number): boolean {
    return now > this.#emptyAt + afterMs;
  }

  noteEmpty(): void {
    this.#emptyAt = this.#now;
  }

  /** What stands now is no queue: the path has become longer. */
  acceptAsBase(now: Millis): void {
    this.#base.reset(now, this.standingMs);
  }
}
