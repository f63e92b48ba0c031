import type { RelayStats } from './worker-messages.ts';

/** Of a relay that has done nothing. */
export const noStats: RelayStats = {
  bindings: 0,
  allocated: 0,
  relayedPackets: 0,
  relayedBytes: 0,
  refused: new Map(),
  malformed: 0,
  rateLimited: 0,
  unpermitted: 0,
  overBandwidth: 0,
  tooBig: 0,
  allocations: 0,
  streams: 0,
};

/** Of two relays together. */
export function sumStats(a: RelayStats, b: RelayStats): RelayStats {
  const refused = new Map(a.refused);
  for (const [code, count] of b.refused) refused.set(code, count + (refused.get(code) ?? 0));
  return {
    bindings: a.bindings + b.bindings,
    allocated: a.allocated + b.allocated,
    relayedPackets: a.relayedPackets + b.relayedPackets,
    relayedBytes: a.relayedBytes + b.relayedBytes,
    refused,
    malformed: a.malformed + b.malformed,
    rateLimited: a.rateLimited + b.rateLimited,
    unpermitted: a.unpermitted + b.unpermitted,
    overBandwidth: a.overBandwidth + b.overBandwidth,
    tooBig: a.tooBig + b.tooBig,
    allocations: a.allocations + b.allocations,
    streams: a.streams + b.streams,
  };
}
