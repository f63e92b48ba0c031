import type { SendLane } from './send-lane.ts';

/** GNS `SteamNetConnectionRealTimeLaneStatus_t`. */
export interface LaneStatus {
  readonly priority: number;
  readonly weight: number;
  /** Queued, or to be repeated. */
  readonly pendingReliableBytes: number;
  readonly pendingUnreliableBytes: number;
  readonly sentUnackedReliableBytes: number;
  /** Until a message queued on this lane now would start to leave, in ms. */
  readonly queueTimeMs: number;
}

const pendingOf = (lane: SendLane): number =>
  lane.pendingReliableBytes + lane.pendingUnreliableBytes;

/**
 * How each lane stands at `bytesPerSecond`, when nothing can leave for `waitMs` yet: what is of
 * higher priority goes before it, and its own class shares by weight.
 */
export function laneStatuses(
  lanes: readonly SendLane[],
  bytesPerSecond: number,
  waitMs: number,
): LaneStatus[] {
  return lanes.map((lane) => {
    const { priority, weight, pendingReliableBytes, pendingUnreliableBytes } = lane;
    const bytes = bytesBefore(lane, lanes);
    return {
      ...{ priority, weight, pendingReliableBytes, pendingUnreliableBytes },
      sentUnackedReliableBytes: lane.unackedBytes,
      queueTimeMs: waitMs + (bytes * 1000) / bytesPerSecond,
    };
  });
}

/** While the lane sends what it has, each other of its class sends up to its share. */
function bytesBefore(lane: SendLane, lanes: readonly SendLane[]): number {
  const own = pendingOf(lane);
  let bytes = own;
  for (const other of lanes) {
    if (other === lane || other.priority > lane.priority) continue;
    const pending = pendingOf(other);
    const isAhead = other.priority < lane.priority;
    bytes += isAhead ? pending : Math.min(pending, (own * other.weight) / lane.weight);
  }
  return bytes;
}
