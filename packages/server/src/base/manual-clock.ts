import type { Cancel, Clock } from './clock.ts';

interface Due {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that goes by only when it is told to: for tests. */
export class ManualClock implements Clock {
  readonly #startMs: number;
  readonly #due = new Set<Due>();
  #nowMs = 0;

  /** `startMs`: the wall clock at the start. */
  constructor(startMs = 1_800_000_000_000) {
    this.#startMs = startMs;
  }

  wallMs(): number {
    return this.#startMs + this.#nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Cancel {
    const due = { atMs: this.#nowMs + delayMs, callback };
    this.#due.add(due);
    return () => this.#due.delete(due);
  }

  /** Runs what falls due on the way, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#due]
        .filter(({ atMs }) => atMs <= endMs)
        .reduce<Due | undefined>((a, b) => (a && a.atMs <= b.atMs ? a : b), undefined);
      if (!next) break;
      this.#due.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = endMs;
  }
}
