import { Refused } from './refused.ts';

interface Line {
  tail: Promise<unknown>;
  waiting: number;
}

/** Runs the tasks of one key one after the other, those of different keys side by side. */
export class KeyedQueue {
  readonly #maxWaiting: number;
  readonly #lines = new Map<string, Line>();

  /** More than `maxWaiting` tasks of one key are refused. */
  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** Keys with a task under way. */
  get size(): number {
    return this.#lines.size;
  }

  /** Settles as the task does. @throws Refused `RATE_LIMITED` when the line is full. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    if ((this.#lines.get(key)?.waiting ?? 0) >= this.#maxWaiting) {
      throw new Refused('RATE_LIMITED', 'too much is waiting for this lobby', 1000);
    }
    return this.runAnyway(key, task);
  }

  /** As {@link KeyedQueue.run}, also when the line is full: for what has to happen, and is bounded elsewhere. */
  async runAnyway<T>(key: string, task: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { tail: Promise.resolve(), waiting: 0 };
    line.waiting++;
    this.#lines.set(key, line);
    const before = line.tail;
    const done = before.then(task);
    line.tail = done.catch(() => {}); // a task that fails must not fail the next one
    try {
      return await done;
    } finally {
      line.waiting--;
      if (line.waiting === 0) this.#lines.delete(key);
    }
  }
}
