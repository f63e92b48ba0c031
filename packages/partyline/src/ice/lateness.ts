import type { Millis } from '../base/index.ts';

/** A turn so late is a timer's inaccuracy, and means nothing; in ms. */
const USUAL_MS = 10;
/** What was is half forgotten after this, in ms. */
const HALF_LIFE_MS = 1000;
/** So late a process has stood still, and what it waits for is not coming faster for that; in ms. */
const MAX_LATE_MS = 2000;

/**
 * How late a process has been of late. Who is late itself has answers that it has not read, so that
 * silence says nothing yet, and repeating a question makes it later still.
 */
export class Lateness {
  #lateMs = 0;
  #notedAt: Millis = 0;

  /** Something that was due at `dueAt` is done now. */
  note(now: Millis, dueAt: Millis): void {
    const lateMs = Math.min(now - dueAt, MAX_LATE_MS);
    if (!(lateMs > USUAL_MS) || lateMs < this.#remaining(now)) return;
    this.#lateMs = lateMs;
    this.#notedAt = now;
  }

  /** What every wait for an answer is longer by: a turn here to read it, and another one as late. */
  patienceMs(now: Millis): Millis {
    const remaining = this.#remaining(now);
    return remaining < USUAL_MS ? 0 : 2 * remaining;
  }

  #remaining(now: Millis): Millis {
    if (this.#lateMs === 0) return 0;
    return this.#lateMs * 0.5 ** ((now - this.#notedAt) / HALF_LIFE_MS);
  }
}
