import { type Core, DecodeError, type Millis, type Transmit } from '../base/index.ts';
import { decodeStun, looksLikeStun, StunClass, type StunMessage } from '../stun/index.ts';
import type { IceAgentCounts, IceEvent, IceFailure, IceSelectedPair } from './agent-event.ts';
import type {
  IceAgentOptions,
  IceCrypto,
  IceDialect,
  IcePolicy,
  IceRole,
} from './agent-options.ts';
import type { IceState } from './agent-state.ts';
import {
  describeCandidate,
  type IceCandidate,
  type IceLocalCandidate,
  isAllowed,
  isUsable,
} from './candidate.ts';
import type { CandidatePair } from './candidate-pair.ts';
import { encodeCandidate, tryDecodeCandidate } from './candidate-text.ts';
import { CheckRunner } from './check-runner.ts';
import type { Checklist } from './checklist.ts';
import { Connectivity } from './connectivity.ts';
import { checkCredentials, type IceCredentials, randomIceCredentials } from './credentials.ts';
import { EventQueue } from './event-queue.ts';
import type { Generation } from './generation.ts';
import { IncomingChecks } from './incoming-checks.ts';
import { Lateness } from './lateness.ts';
import { type IceRoute, routeKey } from './route.ts';
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
  readonly #runner: CheckRunner;
  readonly #list: Checklist;
  readonly #intake: StunIntake;
  readonly #checks: IncomingChecks;
  readonly #connectivity: Connectivity;
  readonly #events = new EventQueue();
  #malformed = 0;
  #refused = 0;
  #isLocalComplete = false;
  #isRemoteComplete = false;

  /** `lateness` is that of whoever drives it. @throws NetError `OPTIONS_INVALID` */
  constructor(options: IceAgentOptions, lateness: Lateness = new Lateness()) {
    const { crypto, role, dialect = 'standard', policy = 'all' } = options;
    const credentials = options.credentials ?? randomIceCredentials(crypto);
    checkCredentials(credentials);
    this.#crypto = crypto;
    this.#dialect = dialect;
    this.#policy = policy;
    const timings = resolveIceTimings(dialect, options.timings);
    const generation = { local: credentials, remote: undefined };
    const runner = new CheckRunner({ crypto, dialect, timings, role, generation, lateness });
    const intake = new StunIntake(crypto, dialect, runner);
    const connectivity = new Connectivity(runner, timings, this.#events);
    this.#runner = runner;
    this.#list = runner.list;
    this.#intake = intake;
    this.#connectivity = connectivity;
    this.#checks = new IncomingChecks({ dialect, runner, intake, connectivity });
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
    return this.#runner.generation.local;
  }

  get role(): IceRole {
    return this.#runner.role;
  }

  get state(): IceState {
    return this.#connectivity.state;
  }

  /** Why the state is `failed`. */
  get failure(): IceFailure | undefined {
    return this.#connectivity.failure;
  }

  get selectedPair(): IceSelectedPair | undefined {
    return this.#connectivity.selectedPair;
  }

  /** The selected pair does not answer at once: our address may be another one by now. */
  get isDoubtful(): boolean {
    return this.#connectivity.isDoubtful;
  }

  /** Whether `pollEvent` has something to give. */
  get hasEvents(): boolean {
    return !this.#events.isEmpty;
  }

  get isEnded(): boolean {
    return this.#connectivity.isEnded;
  }

  /** Whether a STUN request with this first half of USERNAME is for this agent. */
  answersTo(ufrag: string): boolean {
    const { generation, previous } = this.#runner;
    return ufrag === generation.local.ufrag || ufrag === previous?.local.ufrag;
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
      this.#connectivity.deselect(now);
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
    const { generation } = this.#runner;
    const { remote, local } = generation;
    if (remote?.ufrag === credentials.ufrag && remote.password === credentials.password) return;
    this.#connectivity.begin(now);
    if (remote === undefined) generation.remote = credentials;
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
    this.#connectivity.begin(now);
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
    this.#connectivity.beginAnew();
    this.#renew(now, { local: credentials, remote: undefined });
    for (const { candidate } of this.#list.locals) {
      this.#events.push({ type: 'localCandidate', candidate, text: encodeCandidate(candidate) });
    }
    if (this.#isLocalComplete) this.#events.push({ type: 'endOfLocalCandidates' });
  }

  /** Nothing is sent any more. */
  close(_now: Millis): void {
    if (this.state !== 'closed') this.#connectivity.end('closed');
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
    if (selected?.key === routeKey(route)) this.#connectivity.noteHeard(now, selected);
    this.#events.push({ type: 'datagram', bytes, route });
  }

  /** One whose bytes the pool has decoded. @throws DecodeError */
  handleStun(now: Millis, from: IceRoute, bytes: Uint8Array, message: StunMessage): void {
    if (this.isEnded) return;
    if (message.class === StunClass.Request) this.#checks.handle(now, from, bytes, message);
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
    const at = Math.min(this.#runner.nextAt(), this.#connectivity.judgeAt);
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  #handleResponse(now: Millis, from: IceRoute, bytes: Uint8Array, message: StunMessage): void {
    const result = this.#intake.response(now, from, bytes, message);
    if (result === undefined) return;
    const { pair, check } = result.found;
    const isSameRole = check.role === this.role;
    if (result.type === 'roleConflict') {
      if (isSameRole)
        this.#connectivity.setRole(this.role === 'controlling' ? 'controlled' : 'controlling');
      if (!pair.isValid) this.#runner.trigger(now, pair);
      return;
    }
    if (result.type === 'size') {
      this.#connectivity.noteHeard(now, pair);
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
    this.#connectivity.noteHeard(now, pair);
    this.#runner.noteWorks(now, pair);
    if (pair.generation !== this.#runner.generation) return;
    this.#checks.forget(pair);
    if (this.role === 'controlling') {
      if (nomination !== undefined) this.#connectivity.select(now, pair);
    } else if (pair.awaited !== undefined) {
      this.#connectivity.follow(now, pair, pair.awaited.nomination);
    }
  }

  #advance(now: Millis): void {
    if (this.isEnded) return;
    if (this.#runner.generation.remote !== undefined && this.#list.hasRemotes) {
      this.#connectivity.noteReady();
    }
    this.#runner.run(now, this.#isLocalComplete && this.#isRemoteComplete);
    this.#connectivity.judge(now);
  }

  #renew(now: Millis, generation: Generation): void {
    this.#isRemoteComplete = false;
    this.#runner.renew(now, generation);
    this.#checks.handleRenewal();
  }
}
