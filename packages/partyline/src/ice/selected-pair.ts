import type { IceSelectedPair } from './agent-event.ts';
import { candidatePriority, type IceCandidate } from './candidate.ts';
import type { CandidatePair, LocalEntry } from './candidate-pair.ts';
import { BASE_MTU_BYTES } from './mtu-search.ts';

/** What is told of a pair that was selected. */
export function describePair(pair: CandidatePair, locals: Iterable<LocalEntry>): IceSelectedPair {
  const { route, remote, isRelayed, rttMs, mtuBytes = BASE_MTU_BYTES } = pair;
  return { local: localAsSeen(pair, locals), remote, route, isRelayed, rttMs, mtuBytes };
}

/** RFC 8445 §7.2.5.3.1: the local candidate is the one that the other side saw. */
function localAsSeen(
  { mapped, local, route }: CandidatePair,
  locals: Iterable<LocalEntry>,
): IceCandidate {
  if (mapped === undefined) return local.candidate;
  for (const { source, candidate } of locals) {
    const isIt = candidate.host === mapped.host && candidate.port === mapped.port;
    if (isIt && source.socket === route.socket) return candidate;
  }
  const priority = candidatePriority('prflx', 0xffff);
  return { ...local.candidate, ...mapped, type: 'prflx', priority };
}
