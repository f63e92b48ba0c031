import { type Core, DecodeError, type Millis, type Transmit } from '../base/index.ts';
import { decodeStun, looksLikeStun, StunClass, type StunMessage } from '../stun/index.ts';
import type { IceAgentCounts, IceEvent, IceFailure, IceSelectedPair } from './agent-event.ts';
import type {
  IceAgentOptions,
  IceCrypto,
  IceDialect,
  IcePolicy,
  IceRole,
  IceTimings,
} from './agent-options.ts';
import { type IceState, iceTransitions } from './agent-state.ts';
import {
  describeCandidate,
  type IceCandidate,
  type IceLocalCandidate,
  isAllowed,
  isUsable,
} from './candidate.ts';
import type { CandidatePair } from './candidate-pair.ts';
import { encodeCandidate, tryDecodeCandidate } from './candidate-text.ts';
import type { CheckRequest } from './check-message.ts';
import { CheckRunner } from './check-runner.ts';
import type { Checklist } from './checklist.ts';
import { checkCredentials, type IceCredentials, randomIceCredentials } from './credentials.ts';
import { EventQueue } from './event-queue.ts';
import type { Generation } from './generation.ts';
import { BASE_MTU_BYTES } from './mtu-search.ts';
import { type IceRoute, routeKey } from './route.ts';
import { describePair } from './selected-pair.ts';
import { StunIntake } from './stun-intake.ts';
import { resolveIceTimings } from './timings.ts';

/**
 * One connection's ICE: RFC 8445 for one component, trickle (RFC 8838), consent (RFC 7675) and
 * restart, or GNS's dialect of it. States are drawn in docs/states/ice-agent.md.
 *
 * Usually made by {@link IcePool.openAgent}, which also gives it its datagrams, candidates and time;
 * then call {@link IcePool.touch} after calling a method of it. It also works alone, as any core.
 */
export class IceAgent implements Core<IceRoute, IceEvent> {
  readonly #crypto: IceCrypto;
  readonly #dialect: IceDialect;
  readonly #policy: IcePolicy;
  readonly #timings: IceTimings;
  readonly #runner: CheckRunner;
  readonly #list: Checklist;
  readonly #intake: StunIntake;
  readonly #events = new EventQueue();
  #malformed = 0;
  #refused = 0;
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
    this.#intake = new StunIntake(crypto, dialect, this.#runner);
    this.#list = this.#runner.list;
  }

  /** Counts since it was opened. */
  get counts(): IceAgentCounts {
    return {
      malformed: this.#malformed,
      unauthentic: this.#intake.unauthentic,
      refusedCandidates: this.#refused + this.#list.refused,
      droppedDatagrams: this.#events.dropped,
    };
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
    const { rttMs, mtuBytes = BASE_MTU_BYTES } = this.#runner.selected ?? {};
    return pair === undefined ? undefined : { ...pair, rttMs, mtuBytes };
  }

  /** The selected pair does not answer at once: our address may be another one by now. */
  get isDoubtful(): boolean {
    return this.#state === 'disconnected' || this.#runner.watch.isDoubtful;
  }

  /** Whether `pollEvent` has something to give. */
  get hasEvents(): boolean {
    return !this.#events.isEmpty;
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
    if (this.isEnded || !isAllowed(this.#policy, source.type)) return false;
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
    const remote = typeof candidate === 'string' ? tryDecodeCandidate(candidate) : candidate;
    if (remote === undefined || !isUsable(remote)) {
      this.#refused += 1;
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
      this.#malformed += 1;
    }
  }

  /** One that the pool has found to be this agent's. */
  handleApplicationDatagram(now: Millis, route: IceRoute, bytes: Uint8Array): void {
    if (this.isEnded) return;
    const { selected } = this.#runner;
    if (selected?.key === routeKey(route)) this.#noteHeard(now, selected);
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
    return this.#events.shift();
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
    const runs = [this.#generation, this.#previous];
    const answer = this.#intake.request(from, bytes, message, runs);
    if (answer === undefined) return;
    this.#runner.transmits.push({ to: from, bytes: answer.reply });
    this.#setRole(answer.role);
    if (answer.check === undefined) return;
    const { selected } = this.#runner;
    if (answer.generation === this.#generation) this.#handleCheck(now, from, answer.check);
    else if (selected?.key === routeKey(from)) this.#noteHeard(now, selected);
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
    const result = this.#intake.response(now, from, bytes, message);
    if (result === undefined) return;
    const { pair, check } = result.found;
    const isSameRole = check.role === this.role;
    if (result.type === 'roleConflict') {
      if (isSameRole) this.#setRole(this.role === 'controlling' ? 'controlled' : 'controlling');
      if (!pair.isValid) this.#runner.trigger(now, pair);
      return;
    }
    if (result.type === 'size') {
      this.#noteHeard(now, pair);
      const isNews = this.#runner.noteSize(now, pair, result.sizeBytes);
      if (isNews) this.#events.push({ type: 'mtuChanged', mtuBytes: result.sizeBytes });
      return;
    }
    if (result.hasMoved && pair === this.#runner.selected) {
      // To the other side, that is a pair which nobody has nominated.
      this.#runner.repeatsNomination = true;
      this.#runner.watch.askNow(now);
    }
    this.#succeed(now, pair, isSameRole ? check.nomination : undefined);
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
      if (this.#list.compare(pair, selected) < 0) {
        pair.awaited = { nomination }; // until the better one does not answer any more
        return;
      }
    }
    pair.awaited = undefined;
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
    if (now - this.#startedAt >= this.#timings.connectTimeoutMs)
      this.#end('failed', this.#list.whyNone());
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
    const nominated = this.#list.bestAwaited();
    if (nominated !== undefined && this.role === 'controlled') {
      this.#follow(now, nominated, nominated.awaited?.nomination);
      return;
    }
    if (this.#state === 'disconnected') return;
    this.#setState('disconnected');
    this.#runner.recheckAll(now);
    this.#runner.run(now, true);
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

  #setRole(role: IceRole): void {
    if (role === this.#runner.role) return;
    this.#runner.role = role;
    this.#events.push({ type: 'roleChanged', role });
  }

  #setState(state: IceState, failure?: IceFailure): void {
    if (state === this.#state) return;
    const previous = this.#state;
    if (!iceTransitions[previous].includes(state)) throw new Error(`${previous} to ${state}`);
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
