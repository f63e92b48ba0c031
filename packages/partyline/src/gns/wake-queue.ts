import type { Millis } from '../base/index.ts';

/** Something that wants to be woken; the queue keeps its place in it. */
export interface Sleeper {
  wakeAt: Millis;
  /** Where it stands in the queue; -1 when it does not. */
  queueIndex: number;
}

/** Who is to be woken next: a binary heap whose members can be moved. */
export class WakeQueue<T extends Sleeper> {
  readonly #heap: T[] = [];

  /** Infinity when nobody sleeps. */
  get nextAt(): Millis {
    return this.#heap[0]?.wakeAt ?? Number.POSITIVE_INFINITY;
  }

  /** Puts or moves `sleeper`; Infinity takes it out. */
  set(sleeper: T, at: Millis): void {
    if (at === Number.POSITIVE_INFINITY) {
      this.remove(sleeper);
      return;
    }
    const before = sleeper.wakeAt;
    sleeper.wakeAt = at;
    if (sleeper.queueIndex < 0) {
      this.#rise(sleeper, this.#heap.length);
    } else if (at < before) {
      this.#rise(sleeper, sleeper.queueIndex);
    } else if (at > before) {
      this.#sink(sleeper, sleeper.queueIndex);
    }
  }

  remove(sleeper: T): void {
    const at = sleeper.queueIndex;
    if (at < 0) return;
    sleeper.queueIndex = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === sleeper) return;
    this.#place(last, at);
    this.#rise(last, at);
    this.#sink(last, last.queueIndex);
  }

  /** The next that is due, taken out. */
  shiftDue(now: Millis): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.wakeAt > now) return undefined;
    this.remove(first);
    return first;
  }

  #rise(sleeper: T, from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.wakeAt <= sleeper.wakeAt) break;
      this.#place(parent, at);
      at = above;
    }
    this.#place(sleeper, at);
  }

  #sink(sleeper: T, from: number): void {
    const heap = this.#heap;
    let at = from;
    for (let below = 2 * at + 1; below < heap.length; below = 2 * at + 1) {
      const right = heap[below + 1];
      if (right !== undefined && right.wakeAt < (heap[below]?.wakeAt ?? 0)) below += 1;
      const child = heap[below];
      if (child === undefined || child.wakeAt >= sleeper.wakeAt) break;
      this.#place(child, at);
      at = below;
    }
    this.#place(sleeper, at);
  }

  #place(sleeper: T, at: number): void {
    this.#heap[at] = sleeper;
    sleeper.queueIndex = at;
  }
}
