import type { Millis } from './core.ts';

/** Something that wants to be woken; the queue keeps its place in it. */
export interface Sleeper {
  wakeAt: Millis;
  /** Where it stands in the queue; -1 when it does not. */
  queueIndex: number;
}

/**
 * Who is to be woken next: a binary heap. Being put off is what happens to most sleepers, with
 * every packet, so it moves nothing: the sleeper is looked at again when its old time has come.
 */
export class WakeQueue<T extends Sleeper> {
  readonly #heap: T[] = [];
  /** When each was to be woken as it was put where it stands; not later than its `wakeAt`. */
  readonly #times: Millis[] = [];

  /** Nobody is to be woken before; Infinity when nobody sleeps. */
  get nextAt(): Millis {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Puts or moves `sleeper`; Infinity takes it out. */
  set(sleeper: T, at: Millis): void {
    if (at === Number.POSITIVE_INFINITY) {
      this.remove(sleeper);
      return;
    }
    sleeper.wakeAt = at;
    const { queueIndex } = sleeper;
    if (queueIndex < 0) this.#rise(sleeper, at, this.#heap.length);
    else if (at < (this.#times[queueIndex] ?? at)) this.#rise(sleeper, at, queueIndex);
  }

  remove(sleeper: T): void {
    const at = sleeper.queueIndex;
    if (at < 0) return;
    sleeper.queueIndex = -1;
    const last = this.#heap.pop();
    const time = this.#times.pop();
    if (last === undefined || time === undefined || last === sleeper) return;
    this.#rise(last, time, at);
    this.#sink(last, time, last.queueIndex);
  }

  /** The next that is due, taken out. */
  shiftDue(now: Millis): T | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.nextAt > now) return undefined;
      if (first.wakeAt <= now) {
        this.remove(first);
        return first;
      }
      this.#sink(first, first.wakeAt, 0); // it was put off meanwhile
    }
    return undefined;
  }

  #rise(sleeper: T, time: Millis, from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      const parentTime = this.#times[above];
      if (parent === undefined || parentTime === undefined || parentTime <= time) break;
      this.#place(parent, parentTime, at);
      at = above;
    }
    this.#place(sleeper, time, at);
  }

  #sink(sleeper: T, time: Millis, from: number): void {
    const times = this.#times;
    let at = from;
    for (let below = 2 * at + 1; below < times.length; below = 2 * at + 1) {
      const right = times[below + 1];
      if (right !== undefined && right < (times[below] ?? right)) below += 1;
      const child = this.#heap[below];
      const childTime = times[below];
      if (child === undefined || childTime === undefined || childTime >= time) break;
      this.#place(child, childTime, at);
      at = below;
    }
    this.#place(sleeper, time, at);
  }

  #place(sleeper: T, time: Millis, at: number): void {
    this.#heap[at] = sleeper;
    this.#times[at] = time;
    sleeper.queueIndex = at;
  }
}
