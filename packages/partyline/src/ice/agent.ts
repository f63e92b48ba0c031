import { type Core, DecodeError, type Millis, type Transmit } from '../base/index.ts';
import {
  decodeErrorCode,
  decodeStun,
  decodeXorMappedAddress,
  findAttribute,
  looksLikeStun,
  type StunAddress,
  StunAttributeType,
  StunClass,
  type StunMessage,
} from '../stun/index.ts';
import type { IceEvent, IceFailure, IceSelectedPair, IceState } from './agent-event.ts';
import type {
  IceAgentOptions,
  IceCrypto,
  IceDialect,
  IcePolicy,
  IceRole,
  IceTimings,
} from './agent-options.ts';
import {
  describeCandidate,
  type IceCandidate,
  type IceLocalCandidate,
  isUsable,
} from './candidate.ts';
import type { CandidatePair } from './candidate-pair.ts';
import { decodeCandidate, encodeCandidate } from './candidate-text.ts';
import { answerCheck } from './check-answer.ts';
import type { FoundCheck } from './check-book.ts';
import { type CheckRequest, decodeUsername, isAuthentic } from './check-message.ts';
import { CheckRunner } from './check-runner.ts';
import type { Checklist } from './checklist.ts';
import { checkCredentials, type IceCredentials, randomIceCredentials } from './credentials.ts';
import type { Generation } from './generation.ts';
import { iceLimits } from './limits.ts';
import { type IceRoute, routeKey } from './route.ts';
import { describePair } from './selected-pair.ts';
import { resolveIceTimings } from './timings.ts';

export interface IceAgentCounts {
  /** STUN messages that did not parse, or with a wrong or no MAC. */
  malformed: number;
  unauthentic: number;
  /** Candidates over the limit, or of no use. */
  refusedCandidates: number;
  /** Application datagrams dropped because nobody took them. */
  droppedDatagrams: number;
}

/**
 * One connection's ICE: RFC 8445 for one component, trickle (RFC 8838), consent (RFC 7675) and
 * restart, or GNS's dialect of it. States are drawn in docs/states/ice-agent.md.
 *
 * Usually made by {@link IcePool.openAgent}, which also gives it its datagrams, candidates and time;
 * then call {@link IcePool.touch} after calling a method of it. It also works alone, as any core.
 */
export class IceAgent implements Core<IceRoute, IceEvent> {
  readonly counts: IceAgentCounts = {
    malformed: 0,
    unauthentic: 0,
    refusedCandidates: 0,
    droppedDatagrams: 0,
  };
  readonly #crypto: IceCrypto;
  readonly #dialect: IceDialect;
  readonly #policy: IcePolicy;
  readonly #timings: IceTimings;
  readonly #runner: CheckRunner;
  readonly #list: Checklist;
  readonly #events: IceEvent[] = [];
  #waitingDatagrams = 0;
  #state: IceState = 'new';
  #failure: IceFailure | undefined;
  #generation: Generation;
  /** Of before a restart: its checks are answered until the new one has a pair. */
  #previous: Generation | undefined;
  #selectedPair: IceSelectedPair | undefined;
  #isLocalComplete = false;
  #isRemoteComplete = false;
  #startedAt: Millis | undefined;
  #reflexiveCount = 0;

  /** @throws NetError `OPTIONS_INVALID` */
  constructor(options: IceAgentOptions) {
    const { crypto, role, dialect = 'standard', policy = 'all' } = options;
    const credentials = options.credentials ?? randomIceCredentials(crypto);
    checkCredentials(credentials);
    this.#crypto = crypto;
    this.#dialect = dialect;
    this.#policy = policy;
    this.#timings = resolveIceTimings(dialect, options.timings);
    const generation = { local: credentials, remote: undefined };
    this.#generation = generation;
    this.#runner = new CheckRunner({ crypto, dialect, timings: this.#timings, role, generation });
    this.#list = this.#runner.list;
  }

  /** Ours, for the other side. */
  get credentials(): IceCredentials {
    return this.#generation.local;
  }

  get role(): IceRole {
    return this.#runner.role;
  }

  get state(): IceState {
    return this.#state;
  }

  /** Why the state is `failed`. */
  get failure(): IceFailure | undefined {
    return this.#failure;
  }

  get selectedPair(): IceSelectedPair | undefined {
    const pair = this.#selectedPair;
    return pair === undefined ? undefined : { ...pair, rttMs: this.#runner.selected?.rttMs };
  }

  /** The selected pair does not answer at once: our address may be another one by now. */
  get isDoubtful(): boolean {
    return this.#state === 'disconnected' || this.#runner.watch.isDoubtful;
  }

  /** Whether `pollEvent` has something to give. */
  get hasEvents(): boolean {
    return this.#events.length > 0;
  }

  get isEnded(): boolean {
    return this.#state === 'failed' || this.#state === 'closed';
  }

  /** Whether a STUN request with this first half of USERNAME is for this agent. */
  answersTo(ufrag: string): boolean {
    return ufrag === this.#generation.local.ufrag || ufrag === this.#previous?.local.ufrag;
  }

  /** Whether a STUN response belongs to a check of this agent. */
  hasSent(transactionId: Uint8Array): boolean {
    return this.#runner.book.has(transactionId);
  }

  /** Whether the other side has proved to be at the far end of this route. */
  accepts(route: IceRoute): boolean {
    const key = routeKey(route);
    if (this.#runner.selected?.key === key) return true;
    return this.#list.pairAt(route)?.heardAt !== undefined;
  }

  /** Called by the pool for each that it has; false when the policy leaves it out. */
  addLocalCandidate(now: Millis, source: IceLocalCandidate): boolean {
    if (this.isEnded || !this.#isAllowed(source)) return false;
    const candidate = describeCandidate(source, this.#dialect);
    if (!this.#list.addLocal({ candidate, source })) return false;
    this.#isLocalComplete = false;
    this.#events.push({
      type: 'localCandidate',
      candidate,
      text: encodeCandidate(candidate),
    });
    this.#advance(now);
    return true;
  }

  /** The socket is gone: what was sent from it is sent from another one as soon as one works. */
  removeSocket(now: Millis, socket: number): void {
    const gone = this.#list.removeSocket(socket);
    for (const pair of gone)
      if (pair.check !== undefined) this.#runner.book.end({ pair, check: pair.check });
    if (this.#runner.selected !== undefined && this.#runner.selected.route.socket === socket) {
      this.#deselect(now);
    }
    this.#advance(now);
  }

  /** All sockets are open and all servers have answered. */
  endOfLocalCandidates(now: Millis): void {
    if (this.#isLocalComplete || this.isEnded) return;
    this.#isLocalComplete = true;
    this.#events.push({ type: 'endOfLocalCandidates' });
    this.#advance(now);
  }

  /**
   * Checks begin once these and a candidate are known. Other ones than before are an ICE restart of
   * the other side's. @throws NetError `OPTIONS_INVALID` when they have no length that can be.
   */
  setRemoteCredentials(now: Millis, credentials: IceCredentials): void {
    checkCredentials(credentials);
    if (this.isEnded) return;
    const { remote, local } = this.#generation;
    if (remote?.ufrag === credentials.ufrag && remote.password === credentials.password) return;
    this.#startedAt ??= now;
    if (remote === undefined) this.#generation.remote = credentials;
    else this.#renew(now, { local, remote: credentials });
    this.#advance(now);
  }

  /**
   * One that the other side told; false when it is refused or over the limit. A name (mDNS) is the
   * shell's to resolve, and refused here.
   */
  addRemoteCandidate(now: Millis, candidate: IceCandidate | string): boolean {
    if (this.isEnded) return false;
    const remote = typeof candidate === 'string' ? this.#decode(candidate) : candidate;
    if (remote === undefined || !isUsable(remote)) {
      this.counts.refusedCandidates += 1;
      return false;
    }
    this.#startedAt ??= now;
    const isNew = this.#list.addRemote(remote);
    this.#advance(now);
    return isNew;
  }

  /** The other side has no more (RFC 8838 §13). */
  endOfRemoteCandidates(now: Millis): void {
    this.#isRemoteComplete = true;
    this.#advance(now);
  }

  /** One datagram on the selected pair, copied; false when there is none. */
  send(now: Millis, bytes: Uint8Array): boolean {
    const pair = this.#runner.selected;
    if (pair === undefined || this.isEnded) return false;
    this.#runner.transmits.push({ to: pair.route, bytes: Uint8Array.from(bytes) });
    this.#runner.watch.noteSent(now);
    return true;
  }

  /** RFC 8445 §9: new credentials; the selected pair is used until another one is found. */
  restart(now: Millis, credentials: IceCredentials = randomIceCredentials(this.#crypto)): void {
    checkCredentials(credentials);
    if (this.isEnded) return;
    this.#startedAt = undefined;
    this.#renew(now, { local: credentials, remote: undefined });
    for (const { candidate } of this.#list.locals) {
      this.#events.push({ type: 'localCandidate', candidate, text: encodeCandidate(candidate) });
    }
    if (this.#isLocalComplete) this.#events.push({ type: 'endOfLocalCandidates' });
  }

  /** Nothing is sent any more. */
  close(_now: Millis): void {
    if (this.#state === 'closed') return;
    this.#end('closed', undefined);
  }

  handleDatagram(now: Millis, from: IceRoute, bytes: Uint8Array): void {
    if (this.isEnded) return;
    if (!looksLikeStun(bytes)) {
      if (this.accepts(from)) this.handleApplicationDatagram(now, from, bytes);
      return;
    }
    try {
      this.handleStun(now, from, bytes, decodeStun(bytes));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.counts.malformed += 1;
    }
  }

  /** One that the pool has found to be this agent's. */
  handleApplicationDatagram(now: Millis, route: IceRoute, bytes: Uint8Array): void {
    if (this.isEnded) return;
    if (this.#waitingDatagrams >= iceLimits.waitingDatagrams) {
      this.counts.droppedDatagrams += 1;
      return;
    }
    const { selected } = this.#runner;
    if (selected?.key === routeKey(route)) this.#noteHeard(now, selected);
    this.#waitingDatagrams += 1;
    this.#events.push({ type: 'datagram', bytes, route });
  }

  /** One whose bytes the pool has decoded. @throws DecodeError */
  handleStun(now: Millis, from: IceRoute, bytes: Uint8Array, message: StunMessage): void {
    if (this.isEnded) return;
    if (message.class === StunClass.Request) this.#handleRequest(now, from, bytes, message);
    else if (message.class !== StunClass.Indication) {
      this.#handleResponse(now, from, bytes, message);
    }
    this.#advance(now);
  }

  handleTimeout(now: Millis): void {
    this.#advance(now);
  }

  pollTransmit(): Transmit<IceRoute> | undefined {
    return this.#runner.transmits.shift();
  }

  pollEvent(): IceEvent | undefined {
    const event = this.#events.shift();
    if (event?.type === 'datagram') this.#waitingDatagrams -= 1;
    return event;
  }

  pollTimeout(): Millis | undefined {
    if (this.isEnded) return undefined;
    const { selected } = this.#runner;
    let at = this.#runner.nextAt();
    if (selected !== undefined)
      at = Math.min(at, (selected.consentAt ?? 0) + this.#timings.consentMs);
    else if (this.#startedAt !== undefined) {
      at = Math.min(at, this.#startedAt + this.#timings.connectTimeoutMs);
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  // What comes in.

  #handleRequest(now: Millis, from: IceRoute, bytes: Uint8Array, message: StunMessage): void {
    const ufrag = decodeUsername(message)?.receiver;
    const isCurrent = ufrag === this.#generation.local.ufrag;
    const generation = isCurrent ? this.#generation : this.#previous;
    const { password } = generation?.local ?? {};
    if (ufrag !== generation?.local.ufrag || password === undefined) return;
    if (!isAuthentic(this.#crypto, bytes, message, password)) {
      this.counts.unauthentic += 1;
      return;
    }
    const answer = answerCheck(message, from, {
      crypto: this.#crypto,
      dialect: this.#dialect,
      password,
      role: this.#runner.role,
      tieBreaker: this.#runner.tieBreaker,
    });
    this.#runner.transmits.push({ to: from, bytes: answer.reply });
    this.#setRole(answer.role);
    if (answer.check === undefined) return;
    if (isCurrent) this.#handleCheck(now, from, answer.check);
    else if (this.#runner.selected?.key === routeKey(from))
      this.#noteHeard(now, this.#runner.selected);
  }

  /** RFC 8445 §7.3.1.3 to §7.3.1.5. */
  #handleCheck(now: Millis, from: IceRoute, check: CheckRequest): void {
    const { remote } = this.#generation;
    // One of a restart that signaling has not told us of: its candidates are not ours to pair yet.
    if (remote !== undefined && remote.ufrag !== check.senderUfrag) return;
    this.#startedAt ??= now;
    const pair = this.#list.pairForCheck(from, {
      type: 'prflx',
      host: from.host,
      port: from.port,
      priority: check.priority,
      foundation: `prflx${this.#reflexiveCount++}`,
      component: this.#dialect === 'gns' ? 0 : 1,
    });
    if (pair === undefined) return;
    this.#noteHeard(now, pair);
    this.#askSelectedBeside(now, pair);
    if (!pair.isValid) this.#runner.trigger(now, pair);
    if (!check.isNominating || this.role !== 'controlled') return;
    if (pair.isValid) this.#follow(now, pair, check.nomination);
    else pair.awaited = { nomination: check.nomination };
  }

  /** The other side tries another pair than the one that data takes: does it not hear us any more? */
  #askSelectedBeside(now: Millis, pair: CandidatePair): void {
    const { selected, watch } = this.#runner;
    if (selected === undefined || selected === pair) return;
    if (this.#isSilent(now, selected)) watch.askNow(now);
  }

  #handleResponse(now: Millis, from: IceRoute, bytes: Uint8Array, message: StunMessage): void {
    const found = this.#runner.book.find(message.transactionId);
    if (found === undefined) return;
    const { pair, check } = found;
    // RFC 8445 §7.2.5.2.1: an answer from elsewhere proves nothing about this pair.
    if (routeKey(from) !== pair.key) return;
    const password = pair.generation.remote?.password ?? '';
    if (!isAuthentic(this.#crypto, bytes, message, password)) {
      this.counts.unauthentic += 1;
      return;
    }
    if (message.class === StunClass.Error) {
      this.#handleRefusal(now, found, message);
      return;
    }
    const mapped = findAttribute(message, StunAttributeType.XorMappedAddress);
    if (mapped !== undefined) {
      const address = decodeXorMappedAddress(mapped, message.transactionId);
      // The other side sees us elsewhere now: to it, that is a pair nobody has nominated.
      if (isElsewhere(pair.mapped, address) && pair === this.#runner.selected) {
        this.#runner.repeatsNomination = true;
        this.#runner.watch.askNow(now);
      }
      pair.mapped = address;
    }
    if (!check.isRepeated) pair.rttMs = now - check.sentAt;
    else pair.rttMs ??= now - check.startedAt; // no less is known, so at most that
    this.#runner.book.end(found);
    this.#succeed(now, pair, check.role === this.#runner.role ? check.nomination : undefined);
  }

  /** RFC 8445 §7.2.5.1: after a role conflict the check is made again, in the other role. */
  #handleRefusal(now: Millis, found: FoundCheck, message: StunMessage): void {
    const error = findAttribute(message, StunAttributeType.ErrorCode);
    if (error === undefined || decodeErrorCode(error).code !== 487) return;
    this.#runner.book.end(found);
    if (found.check.role === this.#runner.role) {
      this.#setRole(this.#runner.role === 'controlling' ? 'controlled' : 'controlling');
    }
    if (!found.pair.isValid) this.#runner.trigger(now, found.pair);
  }

  #succeed(now: Millis, pair: CandidatePair, nomination: number | undefined): void {
    this.#noteHeard(now, pair);
    this.#runner.noteWorks(now, pair);
    if (pair.generation !== this.#generation) return;
    if (this.role === 'controlling') {
      if (nomination !== undefined) this.#select(now, pair);
    } else if (pair.awaited !== undefined) {
      const { awaited } = pair;
      pair.awaited = undefined;
      this.#follow(now, pair, awaited.nomination);
    }
  }

  /** The newest nomination counts; from who does not number them, the better one (RFC 8445 §8.1.1). */
  #follow(now: Millis, pair: CandidatePair, nomination: number | undefined): void {
    const selected = this.#runner.selected;
    const isNewRun = selected?.generation !== this.#generation;
    if (nomination !== undefined) {
      if (nomination < this.#runner.nomination) return;
      this.#runner.nomination = nomination;
    } else if (selected !== undefined && !isNewRun && !this.#isSilent(now, selected)) {
      if (this.#list.compare(pair, selected) < 0) return;
    }
    this.#select(now, pair);
  }

  #isSilent(now: Millis, pair: CandidatePair): boolean {
    return this.#runner.watch.isSuspect || now - (pair.heardAt ?? 0) >= this.#timings.silenceMs;
  }

  #noteHeard(now: Millis, pair: CandidatePair): void {
    pair.heardAt = now;
    pair.unanswered = 0;
    if (pair === this.#runner.selected) this.#runner.watch.noteHeard();
  }

  // What is done next.

  #advance(now: Millis): void {
    if (this.isEnded) return;
    const isReady = this.#generation.remote !== undefined && this.#list.hasRemotes;
    if (this.#state === 'new' && isReady) this.#setState('checking');
    this.#runner.run(now, this.#isLocalComplete && this.#isRemoteComplete);
    this.#judge(now);
  }

  /** Whether there is a connection, and whether there can still be one. */
  #judge(now: Millis): void {
    const selected = this.#runner.selected;
    if (selected !== undefined) {
      this.#judgeSelected(now, selected);
      return;
    }
    if (this.#startedAt === undefined) return;
    if (now - this.#startedAt >= this.#timings.connectTimeoutMs) this.#end('failed', this.#why());
  }

  #judgeSelected(now: Millis, selected: CandidatePair): void {
    if (now - (selected.consentAt ?? now) >= this.#timings.consentMs) {
      this.#end('failed', 'consentLost');
      return;
    }
    if (!this.#runner.watch.isSuspect) {
      this.#setState('connected');
      return;
    }
    if (this.#state === 'disconnected') return;
    this.#setState('disconnected');
    this.#runner.recheckAll(now);
    this.#runner.run(now, true);
  }

  #why(): IceFailure {
    if (!this.#list.hasLocals) return 'noLocalCandidates';
    if (!this.#list.hasRemotes) return 'noRemoteCandidates';
    const works = [...this.#list.pairs].some((pair) => pair.isValid);
    return works ? 'notNominated' : 'noPairWorks';
  }

  #select(now: Millis, pair: CandidatePair): void {
    this.#previous = undefined;
    if (pair !== this.#runner.selected) {
      const previous = this.#selectedPair;
      this.#runner.select(now, pair);
      this.#selectedPair = describePair(pair, this.#list.locals);
      this.#events.push({ type: 'selectedPairChanged', pair: this.#selectedPair, previous });
    }
    this.#setState('connected');
  }

  /** Its socket is gone. */
  #deselect(now: Millis): void {
    this.#runner.select(now, undefined);
    this.#selectedPair = undefined;
    this.#startedAt = now; // to find another one
    this.#setState('disconnected');
    this.#runner.recheckAll(now);
  }

  #renew(now: Millis, generation: Generation): void {
    this.#previous ??= this.#generation;
    this.#generation = generation;
    this.#isRemoteComplete = false;
    this.#runner.renew(now, generation);
  }

  #decode(text: string): IceCandidate | undefined {
    try {
      return decodeCandidate(text);
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #isAllowed({ type }: IceLocalCandidate): boolean {
    return this.#policy === 'all' || this.#policy === type;
  }

  #setRole(role: IceRole): void {
    if (role === this.#runner.role) return;
    this.#runner.role = role;
    this.#events.push({ type: 'roleChanged', role });
  }

  #setState(state: IceState, failure?: IceFailure): void {
    if (state === this.#state) return;
    const previous = this.#state;
    this.#state = state;
    this.#failure = failure;
    this.#events.push({ type: 'stateChanged', state, previous, failure });
  }

  #end(state: 'failed' | 'closed', failure: IceFailure | undefined): void {
    this.#setState(state, failure);
    this.#runner.select(0, undefined);
    this.#selectedPair = undefined;
    this.#runner.book.clear();
    this.#runner.transmits.length = 0;
  }
}

function isElsewhere(before: StunAddress | undefined, now: StunAddress): boolean {
  return before !== undefined && (before.host !== now.host || before.port !== now.port);
}
