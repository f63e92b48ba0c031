import type { PeerConnectionLike } from './peer-connection.ts';

/** RFC 8445 §5.1.1: `host`, `srflx`, `prflx` or `relay`, and the end's transport. */
export interface CandidatePairTypes {
  readonly local: string;
  readonly remote: string;
  /** `udp` or `tcp`, of the local candidate. */
  readonly protocol: string;
}

interface StatsEntry {
  readonly id: string;
  readonly type: string;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly candidateType?: string;
  readonly protocol?: string;
  readonly nominated?: boolean;
  readonly state?: string;
}

/** Reads the pair in use from the W3C statistics (https://www.w3.org/TR/webrtc-stats/). */
export async function selectedCandidateTypes(
  connection: PeerConnectionLike | undefined,
): Promise<CandidatePairTypes | undefined> {
  const entries = new Map<string, StatsEntry>();
  const report = await connection?.getStats?.();
  report?.forEach((entry) => {
    if (isStatsEntry(entry)) entries.set(entry.id, entry);
  });
  const all = [...entries.values()];
  const named = all.find((entry) => entry.selectedCandidatePairId)?.selectedCandidatePairId;
  // Firefox names no pair in a transport entry: it marks the nominated one.
  const pair =
    entries.get(named ?? '') ??
    all.find(({ type, nominated, state }) => {
      return type === 'candidate-pair' && nominated === true && state === 'succeeded';
    });
  const local = entries.get(pair?.localCandidateId ?? '');
  const remote = entries.get(pair?.remoteCandidateId ?? '');
  if (!local?.candidateType || !remote?.candidateType) return undefined;
  return {
    local: local.candidateType,
    remote: remote.candidateType,
    protocol: local.protocol?.toLowerCase() ?? 'udp',
  };
}

function isStatsEntry(entry: unknown): entry is StatsEntry {
  if (typeof entry !== 'object' || entry === null) return false;
  return 'id' in entry && typeof entry.id === 'string' && 'type' in entry;
}
