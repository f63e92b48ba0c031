import type { Cancel, Millis, Scheduler } from '../base/index.ts';

export interface VirtualClockOptions {
  /** Where the monotonic clock starts, in milliseconds. Default 0. */
  now?: Millis;
  /** Where the wall clock starts, in milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  wallClockMs?: number;
}

interface Timer {
  readonly at: Millis;
  readonly callback: () => void;
}

/** More callbacks than this in one call is a loop that time does not end. */
const MAX_CALLBACKS = 1_000_000;
/** Promise chains longer than this between two timers are not waited for. */
const MICROTASK_TURNS = 64;

/** A {@link Scheduler} that stands still until a test moves it: an hour takes microseconds. */
export class VirtualClock implements Scheduler {
  readonly #wallClockOffsetMs: number;
  readonly #timers = new Set<Timer>();
  #soon: (() => void)[] = [];
  #now: Millis;

  constructor({ now = 0, wallClockMs = 1_767_225_600_000 }: VirtualClockOptions = {}) {
    this.#now = now;
    this.#wallClockOffsetMs = wallClockMs - now;
  }

  now(): Millis {
    return this.#now;
  }

  wallClockMs(): number {
    return this.#now + this.#wallClockOffsetMs;
  }

  after(delayMs: number, callback: () => void): Cancel {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** Timers that have not fired; 0 proves that nothing was left behind. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Runs what is due in the next `ms` milliseconds, in order; 0 runs what `soon` queued. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let left = MAX_CALLBACKS; this.#step(until); left--) refuseEndless(left);
    this.#now = until;
  }

  /** As {@link advance}, letting promises settle before, between and after the timers. */
  async advanceAsync(ms: number): Promise<void> {
    const until = this.#now + ms;
    await microtasks();
    for (let left = MAX_CALLBACKS; this.#step(until); left--) {
      refuseEndless(left);
      await microtasks();
    }
    this.#now = until;
  }

  /** Runs until nothing is scheduled. @throws Error when that never comes, as with a repeating timer. */
  runAll(): void {
    for (let left = MAX_CALLBACKS; this.#step(Number.POSITIVE_INFINITY); left--) {
      refuseEndless(left);
    }
  }

  /** What `soon` queued goes first, then the earliest timer; false when neither is due. */
  #step(until: Millis): boolean {
    const soon = this.#soon.shift();
    if (soon !== undefined) {
      soon();
      return true;
    }
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    }
    if (next === undefined) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.callback();
    return true;
  }
}

function refuseEndless(left: number): void {
  if (left <= 0) throw new Error(`over ${MAX_CALLBACKS} callbacks: something reschedules itself`);
}

async function microtasks(): Promise<void> {
  for (let turn = 0; turn < MICROTASK_TURNS; turn++) await undefined;
}
