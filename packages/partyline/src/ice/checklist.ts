import type { IceFailure } from './agent-event.ts';
import type { IceRole } from './agent-options.ts';
import { canPair, type IceCandidate } from './candidate.ts';
import { CandidatePair, comparePriority, type LocalEntry } from './candidate-pair.ts';
import type { Generation } from './generation.ts';
import { iceLimits } from './limits.ts';
import { addressKey, type IceRoute, routeKey } from './route.ts';

/**
 * The candidates of both sides and their pairs: RFC 8445 §6.1.2 for one component, with pairs added
 * as candidates trickle in (RFC 8838 §12). Knows what is to be checked next, not when.
 */
export class Checklist {
  readonly #locals = new Map<string, LocalEntry>();
  readonly #remotes = new Map<string, IceCandidate>();
  readonly #pairs = new Map<string, CandidatePair>();
  /** RFC 8445 §6.1.4.1: first in, first out, before all others. */
  readonly #triggered = new Set<CandidatePair>();
  #generation: Generation;
  #role: IceRole;
  /** Candidates that were refused. */
  refused = 0;

  constructor(generation: Generation, role: IceRole) {
    this.#generation = generation;
    this.#role = role;
  }

  get pairs(): IterableIterator<CandidatePair> {
    return this.#pairs.values();
  }

  get hasRemotes(): boolean {
    return this.#remotes.size > 0;
  }

  /** What is to be told when no pair was found in time. */
  whyNone(): IceFailure {
    if (this.#locals.size === 0) return 'noLocalCandidates';
    if (this.#remotes.size === 0) return 'noRemoteCandidates';
    const works = [...this.#pairs.values()].some((pair) => pair.isValid);
    return works ? 'notNominated' : 'noPairWorks';
  }

  get locals(): IterableIterator<LocalEntry> {
    return this.#locals.values();
  }

  pairAt(route: IceRoute): CandidatePair | undefined {
    return this.#pairs.get(routeKey(route));
  }

  /** After a role conflict; pairs compare another way round from now on. */
  setRole(role: IceRole): void {
    this.#role = role;
  }

  /** Positive when `a` has the higher priority. */
  compare(a: CandidatePair, b: CandidatePair): number {
    return comparePriority(a, b, this.#role);
  }

  /** False when it is known or one too many. */
  addLocal(entry: LocalEntry): boolean {
    const { type, host, port } = entry.candidate;
    const key = `${entry.source.socket} ${type} ${addressKey({ host, port })}`;
    if (this.#locals.has(key)) return false;
    if (type === 'srflx') this.#forgetReflexive(entry);
    if (this.#locals.size >= iceLimits.localCandidates) return this.#refuse();
    this.#locals.set(key, entry);
    for (const remote of this.#remotes.values()) this.#pair(entry, remote);
    return true;
  }

  /** The NAT shows a socket under a new address: the one that the same server saw before is gone. */
  #forgetReflexive({ source }: LocalEntry): void {
    for (const [key, { source: known }] of this.#locals) {
      const isSame = known.socket === source.socket && known.server === source.server;
      if (isSame && known.type === 'srflx') this.#locals.delete(key);
    }
  }

  /** Candidates and pairs of a socket that is gone. */
  removeSocket(socket: number): CandidatePair[] {
    for (const [key, { source }] of this.#locals) {
      if (source.socket === socket) this.#locals.delete(key);
    }
    const gone = [...this.#pairs.values()].filter(({ route }) => route.socket === socket);
    for (const pair of gone) this.#drop(pair);
    return gone;
  }

  /**
   * RFC 8445 §7.3.1.3: one that was learned from a check keeps its pairs when signaling brings it too,
   * and takes over what is signaled. False when it is known or one too many.
   */
  addRemote(remote: IceCandidate): boolean {
    const key = addressKey(remote);
    const known = this.#remotes.get(key);
    if (known !== undefined && (known.type !== 'prflx' || remote.type === 'prflx')) return false;
    const isFull = known === undefined && this.#remotes.size >= iceLimits.remoteCandidates;
    if (isFull && !this.#forgetRemote()) return this.#refuse();
    this.#remotes.set(key, remote);
    for (const pair of this.#pairs.values()) {
      if (addressKey(pair.route) === key) pair.remote = remote;
    }
    for (const local of this.#locals.values()) this.#pair(local, remote);
    return true;
  }

  /** The oldest one that leads nowhere goes: who plays for hours behind a moody NAT brings many. */
  #forgetRemote(): boolean {
    for (const key of this.#remotes.keys()) {
      const pairs = [...this.#pairs.values()].filter((pair) => addressKey(pair.route) === key);
      if (pairs.some((pair) => pair.isValid)) continue;
      this.#remotes.delete(key);
      for (const pair of pairs) this.#drop(pair);
      return true;
    }
    return false;
  }

  /** The pair on which a check came in, made if need be; `undefined` when the socket is not ours. */
  pairForCheck(route: IceRoute, remote: IceCandidate): CandidatePair | undefined {
    const known = this.pairAt(route);
    if (known !== undefined) return known;
    this.addRemote(remote);
    return this.pairAt(route);
  }

  /**
   * RFC 8445 §6.1.4.2: the next pair to be checked, taken from the queue if it stands in one.
   * `leavesRelays`: of the others no relayed one.
   */
  next(leavesRelays: boolean): CandidatePair | undefined {
    for (const pair of this.#triggered) {
      this.#triggered.delete(pair);
      if (pair.state !== 'inProgress') return pair;
    }
    const pair = this.#best('waiting', leavesRelays) ?? this.#frozenBest(leavesRelays);
    if (pair?.state === 'frozen') pair.state = 'waiting';
    return pair;
  }

  /** Whether {@link Checklist.next} has one. */
  hasNext(leavesRelays: boolean): boolean {
    if (this.#triggered.size > 0) return true;
    let isAnyFrozen = false; // asked with every datagram, and of most lists none is
    for (const pair of this.#pairs.values()) {
      if (leavesRelays && pair.isRelayed) continue;
      if (pair.state === 'waiting') return true;
      if (pair.state === 'frozen') isAnyFrozen = true;
    }
    return isAnyFrozen && this.#frozenBest(leavesRelays) !== undefined;
  }

  /** Is there a pair that needs no relay? */
  get hasDirect(): boolean {
    for (const { isRelayed } of this.#pairs.values()) if (!isRelayed) return true;
    return false;
  }

  /** RFC 8445 §7.3.1.4. */
  trigger(pair: CandidatePair): void {
    this.#triggered.add(pair);
  }

  /** RFC 8445 §7.2.5.3.3: what worked for one of a foundation is tried for the others. */
  unfreezeLike(pair: CandidatePair): void {
    const { foundation } = pair;
    for (const other of this.#pairs.values()) {
      if (other.state === 'frozen' && other.foundation === foundation) other.state = 'waiting';
    }
  }

  /** The best pair that works and that the other side has nominated in vain. */
  bestAwaited(): CandidatePair | undefined {
    let best: CandidatePair | undefined;
    for (const pair of this.#pairs.values()) {
      if (pair.awaited === undefined || !pair.isValid) continue;
      if (best === undefined || this.compare(pair, best) > 0) best = pair;
    }
    return best;
  }

  /** A restart: candidates of the other side are those it tells from now on. */
  renew(generation: Generation): void {
    this.#generation = generation;
    this.#remotes.clear();
    this.#pairs.clear();
    this.#triggered.clear();
  }

  #pair(local: LocalEntry, remote: IceCandidate): void {
    const { source } = local;
    if (source.type === 'srflx') return; // its base makes the pair
    if (!canPair(source.base ?? source.address, remote)) return;
    const pair = new CandidatePair(local, remote, this.#generation);
    if (this.#pairs.has(pair.key)) return;
    if (this.#pairs.size >= iceLimits.pairs && !this.#makeRoom(pair)) return;
    this.#pairs.set(pair.key, pair);
    const isFirst = ![...this.#pairs.values()].some(
      (other) => other !== pair && other.foundation === pair.foundation && isOpen(other),
    );
    if (isFirst) pair.state = 'waiting';
  }

  /** RFC 8445 §6.1.2.5: the pair of lowest priority goes, unless something is known of it. */
  #makeRoom(wanted: CandidatePair): boolean {
    let lowest: CandidatePair | undefined;
    for (const pair of this.#pairs.values()) {
      if (pair.isValid || pair.state === 'inProgress') continue;
      if (lowest === undefined || this.compare(pair, lowest) < 0) lowest = pair;
    }
    if (lowest === undefined || this.compare(lowest, wanted) >= 0) return this.#refuse();
    this.#drop(lowest);
    return true;
  }

  #drop(pair: CandidatePair): void {
    this.#pairs.delete(pair.key);
    this.#triggered.delete(pair);
  }

  #best(state: 'waiting', leavesRelays: boolean): CandidatePair | undefined {
    let best: CandidatePair | undefined;
    for (const pair of this.#pairs.values()) {
      if (pair.state !== state || (leavesRelays && pair.isRelayed)) continue;
      if (best === undefined || this.compare(pair, best) > 0) best = pair;
    }
    return best;
  }

  /** RFC 8445 §6.1.4.2: a frozen pair of whose foundation none is on its way. */
  #frozenBest(leavesRelays: boolean): CandidatePair | undefined {
    const busy = new Set<string>();
    for (const pair of this.#pairs.values()) if (isOpen(pair)) busy.add(pair.foundation);
    let best: CandidatePair | undefined;
    for (const pair of this.#pairs.values()) {
      if (pair.state !== 'frozen' || busy.has(pair.foundation)) continue;
      if (leavesRelays && pair.isRelayed) continue;
      if (best === undefined || this.compare(pair, best) > 0) best = pair;
    }
    return best;
  }

  #refuse(): false {
    this.refused += 1;
    return false;
  }
}

function isOpen({ state }: CandidatePair): boolean {
  return state === 'waiting' || state === 'inProgress';
}
