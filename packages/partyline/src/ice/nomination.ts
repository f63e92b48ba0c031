import type { Millis } from '../base/index.ts';
import type { IceTimings } from './agent-options.ts';
import type { CandidatePair } from './candidate-pair.ts';

const DOUBT_REQUESTS = 3;
/** A better direct pair answers within the round trip of the one that works, and this, in ms. */
const HOPE_MS = 10;

export interface NominationView {
  readonly pairs: Iterable<CandidatePair>;
  readonly selected: CandidatePair | undefined;
  /** The selected pair answers. */
  readonly isHealthy: boolean;
  /** Neither side has more candidates to tell. */
  readonly isComplete: boolean;
  /** Positive when `a` has the higher priority. */
  compare(a: CandidatePair, b: CandidatePair): number;
}

/** What the controlling side does now: nominate, or look again later. */
export interface NominationChoice {
  readonly pair?: CandidatePair;
  /** When to look again, if nothing happens before. */
  readonly at?: Millis;
}

/**
 * Regular nomination (RFC 8445 §8.1.1) with relays held back: a pair with a relay in it works first,
 * as nothing has to be punched for it, and is the worse one for as long as the game runs.
 */
export function chooseNomination(
  now: Millis,
  view: NominationView,
  timings: Pick<IceTimings, 'settleMs' | 'relayHoldMs'>,
): NominationChoice {
  const pairs = [...view.pairs];
  const best = bestOf(pairs, view);
  if (best === undefined) return {};
  const { selected } = view;
  if (selected !== undefined) {
    if (best === selected) return {};
    // Any pair that answers is better than one that does not.
    if (!view.isHealthy) return { pair: best };
    if (!isBetter(best, selected, view)) return {};
    // Not worth a move, and who does not number nominations may rank the two the other way round.
    if (best.isRelayed) return {};
  }
  const at = holdUntil(best, pairs, view, timings);
  return at <= now ? { pair: best } : { at };
}

function bestOf(pairs: readonly CandidatePair[], view: NominationView): CandidatePair | undefined {
  let best: CandidatePair | undefined;
  for (const pair of pairs) {
    if (!pair.isValid || isDoubtful(pair)) continue;
    if (!view.isHealthy && !hasOutlived(pair, view.selected)) continue;
    if (best === undefined || isBetter(pair, best, view)) best = pair;
  }
  return best;
}

/**
 * It has answered since the selected pair was last heard. A spare that worked before may have died
 * with it, and who nominates that one waits for it to fail while others work.
 */
function hasOutlived(
  { consentAt = 0 }: CandidatePair,
  selected: CandidatePair | undefined,
): boolean {
  return consentAt > (selected?.heardAt ?? 0);
}

/** Direct before relayed, then by priority. */
function isBetter(a: CandidatePair, b: CandidatePair, view: NominationView): boolean {
  if (a.isRelayed !== b.isRelayed) return b.isRelayed;
  return view.compare(a, b) > 0;
}

/** Until when a better pair is waited for: 0 when none can come. */
function holdUntil(
  best: CandidatePair,
  pairs: readonly CandidatePair[],
  view: NominationView,
  timings: Pick<IceTimings, 'settleMs' | 'relayHoldMs'>,
): Millis {
  const better = pairs.filter((pair) => isPending(pair) && isBetter(pair, best, view));
  const since = best.validSince ?? 0;
  if (best.isRelayed) {
    const isFinal = better.length === 0 && view.isComplete;
    return isFinal ? 0 : since + timings.relayHoldMs;
  }
  const latest = since + timings.settleMs;
  // A peer-reflexive address may turn out to be a relay's once signaling has caught up.
  if (best.remote.type === 'prflx' && !view.isComplete) return latest;
  return Math.min(latest, Math.max(0, ...better.map((pair) => hopeUntil(pair, best))));
}

/**
 * A better direct pair takes a shorter way than the one that works. Most often it is two private
 * addresses that do not reach each other, whose silence says so within a round trip.
 */
function hopeUntil({ check }: CandidatePair, { rttMs }: CandidatePair): Millis {
  if (check === undefined || rttMs === undefined) return Number.POSITIVE_INFINITY;
  return check.startedAt + rttMs + HOPE_MS;
}

function isPending({ state }: CandidatePair): boolean {
  return state === 'waiting' || state === 'inProgress' || state === 'frozen';
}

/** Asked several times, without an answer so far. */
function isDoubtful({ unanswered, check }: CandidatePair): boolean {
  return unanswered > 0 || (check?.requests ?? 0) > DOUBT_REQUESTS;
}
