import { Deque } from './deque.ts';

export const SegmentStatus = { InFlight: 0, Lost: 1, Acked: 2 } as const;
export type SegmentStatus = (typeof SegmentStatus)[keyof typeof SegmentStatus];

/** A range of a lane's reliable stream that was sent in one piece and is repeated in one piece. */
export interface Segment {
  lane: number;
  begin: number;
  length: number;
  status: SegmentStatus;
  /** Was it ever believed lost? */
  wasLost: boolean;
  /** Packets in flight, the lane's list, and the heap of lost ones, as far as they hold it. */
  holders: number;
}

/** Used segments wait here to be used again. */
export class SegmentPool {
  #free: Segment[] = [];

  take(lane: number, begin: number, length: number): Segment {
    const segment = this.#free.pop();
    if (segment === undefined) {
      return { lane, begin, length, status: SegmentStatus.InFlight, wasLost: false, holders: 0 };
    }
    segment.lane = lane;
    segment.begin = begin;
    segment.length = length;
    segment.status = SegmentStatus.InFlight;
    segment.wasLost = false;
    segment.holders = 0;
    return segment;
  }

  /** Gives back memory that an idle connection does not need. */
  releaseIdle(): void {
    this.#free = [];
  }

  release(segment: Segment): void {
    segment.holders -= 1;
    if (segment.holders === 0) this.#free.push(segment);
  }
}

/** Segments to repeat, lowest stream position first: a binary heap. */
export class LostSegments {
  readonly #heap: Segment[] = [];

  first(): Segment | undefined {
    return this.#heap[0];
  }

  push(segment: Segment): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(segment);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.begin <= segment.begin) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = segment;
  }

  shift(): Segment | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      const right = heap[below + 1];
      if (right !== undefined && right.begin < (heap[below]?.begin ?? 0)) below += 1;
      const child = heap[below];
      if (child === undefined || child.begin >= last.begin) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

/** A lane's segments in stream order, from the oldest that is not acknowledged. */
export class SegmentQueue {
  readonly #queue = new Deque<Segment>();
  readonly #pool: SegmentPool;

  constructor(pool: SegmentPool) {
    this.#pool = pool;
  }

  get oldest(): Segment | undefined {
    return this.#queue.first();
  }

  push(segment: Segment): void {
    segment.holders += 1;
    this.#queue.push(segment);
  }

  /** Forgets what is acknowledged at the front; returns where the oldest remaining begins. */
  trim(end: number): number {
    for (let s = this.#queue.first(); s !== undefined; s = this.#queue.first()) {
      if (s.status !== SegmentStatus.Acked) return s.begin;
      this.#queue.shift();
      this.#pool.release(s);
    }
    return end;
  }
}
