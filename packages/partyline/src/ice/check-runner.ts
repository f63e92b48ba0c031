import type { Millis, Transmit } from '../base/index.ts';
import type { IceCrypto, IceDialect, IceRole, IceTimings } from './agent-options.ts';
import type { CandidatePair, SentCheck } from './candidate-pair.ts';
import { CheckBook, type CheckOrder } from './check-book.ts';
import { Checklist } from './checklist.ts';
import type { Generation } from './generation.ts';
import type { Lateness } from './lateness.ts';
import { MtuSearch } from './mtu-search.ts';
import { chooseNomination } from './nomination.ts';
import { PathWatch } from './path-watch.ts';
import type { IceRoute } from './route.ts';

/** Pairs that failed are tried again so often: without a pair, and with a relayed one. */
const RETRY_MS = 1000;
const RETRY_RELAYED_MS = 15_000;
/**
 * A pair that works and is not selected is kept open by a check so often: NATs forget after 30 s at the
 * earliest. The controlled side leaves that to the other one, for so much longer.
 */
const SPARE_KEEPALIVE_MS = 25_000;
const LEFT_TO_OTHER_MS = 5000;
const MAX_SPARES = 3;
/** A pair that worked is asked quickly, and long enough to survive a NAT that reboots. */
const PROBE_RTO_MS = 50;
const PROBE_REQUESTS = 10;
/** The game's first datagrams go before questions about sizes. */
const MTU_DELAY_MS = 500;

export interface CheckRunnerOptions {
  readonly crypto: IceCrypto;
  readonly dialect: IceDialect;
  readonly timings: IceTimings;
  readonly role: IceRole;
  readonly generation: Generation;
  readonly lateness: Lateness;
}

/** The outgoing half of an agent: which pair is checked when, and which one is nominated. */
export class CheckRunner {
  readonly list: Checklist;
  readonly book: CheckBook;
  readonly watch: PathWatch;
  readonly tieBreaker: bigint;
  readonly transmits: Transmit<IceRoute>[] = [];
  /** Counts ours when controlling, holds the newest of theirs when controlled. */
  nomination = 0;
  /** The next check of the selected pair nominates it again. */
  repeatsNomination = false;
  readonly #dialect: IceDialect;
  readonly #timings: IceTimings;
  readonly #lateness: Lateness;
  #role: IceRole;
  #generation: Generation;
  /** Of before a restart: its checks are answered until the new one has a pair. */
  #previous: Generation | undefined;
  #selected: CandidatePair | undefined;
  #mtuSearch: MtuSearch | undefined;
  #nextCheckAt: Millis = 0;
  /** From then on relayed pairs are checked too; `undefined` before there are others. */
  #relaysAt: Millis | undefined;
  #chooseAt: Millis | undefined;
  /** What waits for answers are longer by, since we are late ourselves. */
  #patienceMs: Millis = 0;

  constructor({ crypto, dialect, timings, role, generation, lateness }: CheckRunnerOptions) {
    this.#lateness = lateness;
    this.#dialect = dialect;
    this.#timings = timings;
    this.#role = role;
    this.#generation = generation;
    this.tieBreaker = new DataView(Uint8Array.from(crypto.randomBytes(8)).buffer).getBigUint64(0);
    this.list = new Checklist(generation, role);
    this.book = new CheckBook(crypto, dialect, timings);
    this.watch = new PathWatch(timings, () => (crypto.randomBytes(1)[0] ?? 0) / 256);
  }

  get role(): IceRole {
    return this.#role;
  }

  set role(role: IceRole) {
    this.#role = role;
    this.nomination = 0;
    this.list.setRole(role);
  }

  get selected(): CandidatePair | undefined {
    return this.#selected;
  }

  /** The run of ICE that pairs are formed in. */
  get generation(): Generation {
    return this.#generation;
  }

  /** The run before it, while its checks are still answered. */
  get previous(): Generation | undefined {
    return this.#previous;
  }

  /** The pair that data takes from now on. */
  select(now: Millis, pair: CandidatePair | undefined): void {
    this.#selected = pair;
    this.watch.watch(now, pair);
    // GNS's packets have one size for good, and its peers take no longer datagrams.
    const isWanted = pair !== undefined && this.#dialect === 'standard';
    this.#mtuSearch = isWanted ? new MtuSearch(now + MTU_DELAY_MS, pair) : undefined;
  }

  /** A restart of ours or of the other side's. The selected pair stays what it is. */
  renew(now: Millis, generation: Generation): void {
    this.#previous ??= this.#generation;
    this.#generation = generation;
    this.nomination = 0;
    this.#nextCheckAt = now;
    this.#relaysAt = undefined;
    this.list.renew(generation);
  }

  /** The new run has a pair. */
  endPrevious(): void {
    this.#previous = undefined;
  }

  /** Nothing is checked or sent any more. */
  stop(): void {
    this.select(0, undefined);
    this.book.clear();
    this.transmits.length = 0;
  }

  /**
   * RFC 8445 §7.3.1.4; a check on its way is sent again rather than replaced, as GNS does: at once,
   * or, where this process is late, once the answer that it may not have read yet has been.
   */
  trigger(now: Millis, pair: CandidatePair): void {
    const { check } = pair;
    if (check !== undefined) {
      check.nextAt = Math.max(now, Math.min(check.nextAt, check.sentAt + this.#patienceMs));
      check.requests = 0;
      return;
    }
    pair.state = 'waiting';
    this.list.trigger(pair);
  }

  /** The selected pair does not answer: what answers first now takes its place. */
  recheckAll(now: Millis): void {
    const others = [...this.list.pairs].filter((pair) => pair !== this.#selected);
    others.sort((a, b) => Number(b.isValid) - Number(a.isValid) || this.list.compare(b, a));
    for (const pair of others) {
      const isFresh = pair.isValid && now - (pair.heardAt ?? 0) < this.#timings.silenceMs;
      if (!isFresh) this.trigger(now, pair);
    }
  }

  /** Does what is due. `isComplete`: neither side has more candidates to tell. */
  run(now: Millis, isComplete: boolean): void {
    this.#patienceMs = this.#lateness.patienceMs(now);
    this.#resend(now);
    this.#refresh(now);
    this.#startChecks(now);
    this.#askSelected(now);
    this.#nominate(now, isComplete);
    this.#searchMtu(now);
    this.book.sweep(now);
  }

  /** When {@link run} is next due; infinity while there is nothing to wait for. */
  nextAt(): Millis {
    const patienceMs = this.#patienceMs;
    let at = Math.min(this.watch.askAt(patienceMs), this.#chooseAt ?? Number.POSITIVE_INFINITY);
    at = Math.min(at, this.#mtuSearch?.nextAt ?? Number.POSITIVE_INFINITY);
    for (const pair of this.#watched()) {
      if (pair.check !== undefined) at = Math.min(at, dueAt(pair.check, patienceMs));
      else if (pair !== this.#selected) at = Math.min(at, this.#refreshAt(pair));
    }
    if (this.#generation.remote === undefined || !this.list.hasNext(false)) return at;
    // Only relayed ones may be left, which have to wait.
    const relaysAt = this.#leavesRelaysUntil();
    if (this.list.hasNext(relaysAt > this.#nextCheckAt)) return Math.min(at, this.#nextCheckAt);
    return Math.min(at, relaysAt);
  }

  /** When a pair that works was heard of last. */
  noteWorks(now: Millis, pair: CandidatePair): void {
    pair.consentAt = now;
    pair.state = 'succeeded';
    pair.validSince ??= now;
    pair.refreshAt = now + SPARE_KEEPALIVE_MS;
    if (pair.generation === this.#generation) this.list.unfreezeLike(pair);
  }

  #resend(now: Millis): void {
    const patienceMs = this.#patienceMs;
    for (const pair of this.#watched()) {
      const { check } = pair;
      if (check === undefined || dueAt(check, patienceMs) > now) continue;
      if (pair.isRelayed && check.nomination === undefined && this.#hasDirect) {
        // RFC 8445 §8.1.2; it has not failed, and is asked again once it is needed.
        this.book.end({ pair, check });
        if (!pair.isValid) pair.state = 'waiting';
        continue;
      }
      if (check.requests < check.maxRequests) {
        this.#send(now, pair);
        continue;
      }
      this.book.end({ pair, check });
      pair.unanswered += 1;
      pair.state = 'failed';
      pair.validSince = undefined;
      pair.refreshAt = now + RETRY_MS;
    }
  }

  /** What failed is tried again while nothing better works; what works is kept open as a spare. */
  #refresh(now: Millis): void {
    for (const pair of this.list.pairs) {
      if (pair === this.#selected || pair.check !== undefined) continue;
      if (this.#refreshAt(pair) > now) continue;
      pair.refreshAt = now + RETRY_MS;
      if (pair.isValid) this.#start(now, pair, this.#probe(pair));
      else this.trigger(now, pair);
    }
  }

  #refreshAt(pair: CandidatePair): Millis {
    const selected = this.#selected;
    if (pair.isValid) {
      if (!this.#isSpare(pair)) return Number.POSITIVE_INFINITY;
      const leftMs = this.#role === 'controlled' ? LEFT_TO_OTHER_MS : 0;
      return Math.max(pair.refreshAt, (pair.heardAt ?? 0) + SPARE_KEEPALIVE_MS + leftMs);
    }
    if (pair.state !== 'failed') return Number.POSITIVE_INFINITY;
    if (selected === undefined || this.watch.isSuspect) return pair.refreshAt;
    if (!selected.isRelayed || pair.isRelayed) return Number.POSITIVE_INFINITY;
    return pair.refreshAt + RETRY_RELAYED_MS;
  }

  /** Kept open: the best ones, and a relayed one only where the data takes one too. */
  #isSpare(pair: CandidatePair): boolean {
    if (pair.isRelayed && this.#selected?.isRelayed === false) return false;
    let better = 0;
    for (const other of this.list.pairs) {
      if (other === pair || other === this.#selected || !other.isValid) continue;
      if (this.list.compare(other, pair) > 0) better += 1;
    }
    return better < MAX_SPARES;
  }

  /** RFC 8445 §6.1.4.2: one check in `Ta`. */
  #startChecks(now: Millis): void {
    if (this.#generation.remote === undefined) return;
    if (this.list.hasDirect) this.#relaysAt ??= now + this.#timings.relayCheckDelayMs;
    const leavesRelays = this.#leavesRelaysUntil() > now;
    while (this.#nextCheckAt <= now) {
      const pair = this.list.next(leavesRelays);
      if (pair === undefined) return;
      if (!pair.isValid) pair.state = 'inProgress';
      this.#start(now, pair);
      this.#nextCheckAt = now + this.#timings.paceMs;
    }
  }

  /** Relayed pairs are left while direct ones have not had their time, and while one carries the data. */
  #leavesRelaysUntil(): Millis {
    if (this.#hasDirect) return Number.POSITIVE_INFINITY;
    return this.#relaysAt === undefined ? 0 : this.#relaysAt + this.#patienceMs;
  }

  /** A direct pair carries the data, and answers. */
  get #hasDirect(): boolean {
    const selected = this.#selected;
    if (selected === undefined || selected.isRelayed || this.watch.isSuspect) return false;
    return selected.generation === this.#generation;
  }

  #askSelected(now: Millis): void {
    const pair = this.#selected;
    if (pair === undefined || this.watch.askAt(this.#patienceMs) > now) return;
    this.watch.noteAsked(now);
    // Said again, for who hears us from a new address. GNS nominates once; the standard's has a number.
    const isRepeated = this.#dialect === 'standard' || this.repeatsNomination;
    const nomination = isRepeated && this.#role === 'controlling' ? this.nomination : undefined;
    this.repeatsNomination = false;
    this.#start(now, pair, { ...this.#probe(pair), nomination });
  }

  /** RFC 8445 §8.1.1, by the controlling side. */
  #nominate(now: Millis, isComplete: boolean): void {
    this.#chooseAt = undefined;
    if (this.#role !== 'controlling') return;
    const isCurrent = this.#selected?.generation === this.#generation;
    const view = {
      pairs: this.list.pairs,
      selected: isCurrent ? this.#selected : undefined,
      isHealthy: !this.watch.isSuspect,
      isComplete,
      compare: (a: CandidatePair, b: CandidatePair) => this.list.compare(a, b),
    };
    const { pair, at } = chooseNomination(now, view, this.#timings);
    this.#chooseAt = at;
    if (pair === undefined || pair.check?.nomination !== undefined) return;
    this.nomination += 1;
    this.#start(now, pair, { nomination: this.nomination });
  }

  #searchMtu(now: Millis): void {
    const pair = this.#selected;
    const sizeBytes = this.#mtuSearch?.next(now, pair?.rttMs);
    if (pair === undefined || sizeBytes === undefined) return;
    const { role, tieBreaker } = this;
    const bytes = this.book.startFilled(now, pair, { role, tieBreaker, sizeBytes });
    if (bytes !== undefined) this.transmits.push({ to: pair.route, bytes });
  }

  /** A filled check was answered. True when that is news. */
  noteSize(now: Millis, pair: CandidatePair, sizeBytes: number): boolean {
    if (pair === this.#selected) this.#mtuSearch?.found(now, sizeBytes);
    const isNews = pair.mtuBytes !== sizeBytes;
    pair.mtuBytes = sizeBytes;
    return isNews;
  }

  #probe({ rttMs = this.#timings.checkRtoMs }: CandidatePair): Partial<CheckOrder> {
    return { maxRequests: PROBE_REQUESTS, rtoMs: Math.max(PROBE_RTO_MS, 1.25 * rttMs) };
  }

  #start(now: Millis, pair: CandidatePair, order: Partial<CheckOrder> = {}): void {
    const { role, tieBreaker } = this;
    if (this.book.start(now, pair, { role, tieBreaker, ...order })) this.#send(now, pair);
  }

  #send(now: Millis, pair: CandidatePair): void {
    if (pair.check === undefined) return;
    this.book.sent(now, pair.check);
    this.transmits.push({ to: pair.route, bytes: pair.check.bytes });
  }

  /** The pairs of this run, and the selected one of the run before. */
  *#watched(): Iterable<CandidatePair> {
    yield* this.list.pairs;
    const selected = this.#selected;
    if (selected !== undefined && this.list.pairAt(selected.route) !== selected) yield selected;
  }
}

/** When a check is sent again or given up: what answers may have come has been read by then. */
function dueAt({ requests, nextAt }: SentCheck, patienceMs: Millis): Millis {
  return requests === 0 ? nextAt : nextAt + patienceMs;
}
