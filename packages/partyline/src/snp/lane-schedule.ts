import { NetError } from '../base/index.ts';
import { MAX_LANES } from './limits.ts';
import type { SegmentPool } from './segments.ts';
import { SendLane } from './send-lane.ts';

interface PriorityClass {
  readonly lanes: readonly SendLane[];
  virtualTime: number;
}

export interface LaneOptions {
  /** Lanes with a lower number are served first. Default 0. */
  priority?: number;
  /** Share among the lanes of one priority, at least 1. Default 1. */
  weight?: number;
}

/**
 * Which lane is next: strict priority between classes, start-time fair queueing inside one. GNS
 * does the same by finish times per message; ours counts the bytes that were sent, so a lane's
 * share does not depend on how large its messages are. Costs a step per lane, none per message.
 */
export class LaneSchedule {
  readonly #pool: SegmentPool;
  #lanes: SendLane[];
  #classes: PriorityClass[];

  constructor(pool: SegmentPool) {
    this.#pool = pool;
    this.#lanes = [new SendLane(0, pool)];
    this.#classes = [{ lanes: this.#lanes, virtualTime: 0 }];
  }

  get lanes(): readonly SendLane[] {
    return this.#lanes;
  }

  get pendingReliableBytes(): number {
    let bytes = 0;
    for (const lane of this.#lanes) bytes += lane.pendingReliableBytes;
    return bytes;
  }

  lane(index: number): SendLane | undefined {
    return this.#lanes[index];
  }

  /**
   * One entry per lane; lanes can be added but not taken away, as in GNS.
   * @throws NetError `OPTIONS_INVALID`
   */
  configure(options: readonly LaneOptions[]): void {
    if (options.length < this.#lanes.length || options.length > MAX_LANES) {
      const range = `${this.#lanes.length} to ${MAX_LANES}`;
      throw new NetError('OPTIONS_INVALID', `lanes takes ${range} entries`);
    }
    for (const { priority = 0, weight = 1 } of options) {
      if (!Number.isSafeInteger(priority) || !(weight >= 1 && weight <= 0xffff)) {
        throw new NetError(
          'OPTIONS_INVALID',
          'a lane takes a whole priority and a weight of 1 to 65535',
        );
      }
    }
    this.#lanes = options.map((_, i) => this.#lanes[i] ?? new SendLane(i, this.#pool));
    for (const lane of this.#lanes) {
      lane.priority = options[lane.index]?.priority ?? 0;
      lane.weight = options[lane.index]?.weight ?? 1;
      lane.virtualTime = 0;
    }
    const priorities = [...new Set(this.#lanes.map((lane) => lane.priority))].sort((a, b) => a - b);
    this.#classes = priorities.map((priority) => ({
      lanes: this.#lanes.filter((lane) => lane.priority === priority),
      virtualTime: 0,
    }));
  }

  /** The lane to send new data of; `mayServe` leaves out lanes that must wait. */
  next(mayServe: (lane: SendLane) => boolean): SendLane | undefined {
    if (this.#lanes.length === 1) {
      const only = this.#lanes[0]; // most connections have no other, and their classes stay cold
      return only?.hasQueued && mayServe(only) ? only : undefined;
    }
    for (const { lanes } of this.#classes) {
      let best: SendLane | undefined;
      for (const lane of lanes) {
        if (!lane.hasQueued || !mayServe(lane)) continue;
        if (best === undefined || lane.virtualTime < best.virtualTime) best = lane;
      }
      if (best !== undefined) return best;
    }
    return undefined;
  }

  /** The lane, by priority, that has something to repeat. */
  nextLost(): SendLane | undefined {
    for (const { lanes } of this.#classes) {
      for (const lane of lanes) if (lane.lostBytes > 0) return lane;
    }
    return undefined;
  }

  /** Call before a lane that was empty queues: it starts with its class, not with what it saved up. */
  activate(lane: SendLane): void {
    if (lane.hasQueued || this.#lanes.length === 1) return;
    const group = this.#classOf(lane);
    if (group !== undefined) lane.virtualTime = Math.max(lane.virtualTime, group.virtualTime);
  }

  /** `bytes` of the lane's new data were put into a packet. */
  served(lane: SendLane, bytes: number): void {
    if (this.#lanes.length === 1) return;
    const group = this.#classOf(lane);
    if (group !== undefined) group.virtualTime = Math.max(group.virtualTime, lane.virtualTime);
    lane.virtualTime += bytes / lane.weight;
  }

  #classOf(lane: SendLane): PriorityClass | undefined {
    return this.#classes.find((group) => group.lanes[0]?.priority === lane.priority);
  }
}
