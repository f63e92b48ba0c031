import {
  type Core,
  DecodeError,
  type Millis,
  NetError,
  type Sleeper,
  type Transmit,
  WakeQueue,
} from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import {
  decodeStun,
  looksLikeStun,
  type StunAddress,
  StunClass,
  type StunMessage,
} from '../stun/index.ts';
import { IceAgent } from './agent.ts';
import type { IceAgentOptions } from './agent-options.ts';
import { canPair, type IceLocalCandidate } from './candidate.ts';
import { decodeUsername } from './check-message.ts';
import { Lateness } from './lateness.ts';
import { iceLimits } from './limits.ts';
import { ReflexiveProbe } from './reflexive-probe.ts';
import { type IceRoute, routeKey } from './route.ts';

export type IcePoolEvent =
  /** It has events: drain its `pollEvent`. */
  | { readonly type: 'agentReadable'; readonly agent: IceAgent }
  /** A selected pair does not answer: allocations may be those of an address that we had before. */
  | { readonly type: 'doubtful' };

interface Member extends Sleeper {
  readonly agent: IceAgent;
  /** Whether a datagram that came by a route which several agents share is this agent's. */
  readonly claims: ((bytes: Uint8Array) => boolean) | undefined;
  isAnnounced: boolean;
  wasDoubtful: boolean;
}

interface PoolSocket {
  readonly candidates: IceLocalCandidate[];
  readonly probes: ReflexiveProbe[];
}

/**
 * The sockets, server-reflexive and relayed candidates that many agents share: each is gathered
 * once, and a relay has one allocation for all. This is the core that a driver runs; agents are
 * driven through it.
 */
export class IcePool implements Core<IceRoute, IcePoolEvent> {
  readonly #crypto: Pick<Crypto, 'randomBytes'>;
  readonly #sockets = new Map<number, PoolSocket>();
  readonly #stunServers: StunAddress[] = [];
  readonly #members = new Map<IceAgent, Member>();
  /** Who heard by a route last; checked before it is believed. */
  readonly #owners = new Map<string, Member>();
  readonly #queue = new WakeQueue<Member>();
  readonly #lateness = new Lateness();
  readonly #touched = new Set<Member>();
  readonly #transmits: Transmit<IceRoute>[] = [];
  readonly #events: IcePoolEvent[] = [];
  #isComplete = false;
  /** STUN messages that did not parse; datagrams that were nobody's. */
  readonly counts = { malformed: 0, strays: 0 };

  constructor(crypto: Pick<Crypto, 'randomBytes'>) {
    this.#crypto = crypto;
  }

  /**
   * An agent that uses the pool's candidates, those found later included. `claims` tells datagrams
   * apart when several agents hear from one address, as by GNS's connection id; whatever it claims
   * is delivered, from wherever it comes. Default: by address.
   * @throws NetError `OPTIONS_INVALID`, also when the pool is full.
   */
  openAgent(
    now: Millis,
    options: IceAgentOptions,
    claims?: (bytes: Uint8Array) => boolean,
  ): IceAgent {
    if (this.#members.size >= iceLimits.agents) {
      throw new NetError('OPTIONS_INVALID', `a pool has at most ${iceLimits.agents} agents`);
    }
    const agent = new IceAgent(options, this.#lateness);
    const member: Member = {
      agent,
      claims,
      isAnnounced: false,
      wasDoubtful: false,
      wakeAt: Number.POSITIVE_INFINITY,
      queueIndex: -1,
    };
    this.#members.set(agent, member);
    for (const { candidates } of this.#sockets.values()) {
      for (const candidate of candidates) agent.addLocalCandidate(now, candidate);
    }
    if (this.#isGathered()) agent.endOfLocalCandidates(now);
    this.#wakeProbes(now);
    this.#settle(now, member);
    return agent;
  }

  /** After a method of the agent was called: what it has to send and tell is fetched. */
  touch(agent: IceAgent): void {
    const member = this.#members.get(agent);
    if (member !== undefined) this.#touched.add(member);
  }

  /** A socket (or a relay's allocation) is open; a host's reflexive address is asked for. */
  addSocket(now: Millis, candidate: IceLocalCandidate): void {
    const socket: PoolSocket = { candidates: [], probes: [] };
    this.#sockets.set(candidate.socket, socket);
    if (candidate.type === 'host') {
      for (const server of this.#stunServers) this.#addProbe(now, socket, candidate, server);
    }
    this.#addCandidate(now, socket, candidate);
  }

  /** It is gone, with all candidates that were learned from it. */
  removeSocket(now: Millis, socket: number): void {
    if (!this.#sockets.delete(socket)) return;
    for (const member of [...this.#members.values()]) {
      member.agent.removeSocket(now, socket);
      this.#settle(now, member);
    }
    this.#tellIfGathered(now);
  }

  /** Numeric; asked from every host socket of its family. One over the limit is left out. */
  addStunServer(now: Millis, server: StunAddress): void {
    if (this.#stunServers.length >= iceLimits.stunServers) return;
    this.#stunServers.push(server);
    for (const socket of this.#sockets.values()) {
      const [host] = socket.candidates;
      if (host?.type === 'host') this.#addProbe(now, socket, host, server);
    }
  }

  /** A router has mapped a port to this socket: told as a server-reflexive candidate. */
  addMapping(now: Millis, socket: number, external: StunAddress, router: string): void {
    const opened = this.#sockets.get(socket);
    if (opened !== undefined) this.#addReflexive(now, opened, external, router);
  }

  /** The driver has opened all it wants to: agents tell the end of candidates once STUN has answered too. */
  endOfSockets(now: Millis): void {
    this.#isComplete = true;
    this.#tellIfGathered(now);
  }

  /** Closes every agent; their last events are told. */
  close(now: Millis): void {
    for (const member of [...this.#members.values()]) {
      member.agent.close(now);
      this.#settle(now, member);
    }
  }

  handleDatagram(now: Millis, from: IceRoute, bytes: Uint8Array): void {
    this.#lateness.note(now, this.#queue.nextAt);
    if (!looksLikeStun(bytes)) {
      this.#handleApplication(now, from, bytes);
      return;
    }
    try {
      this.#handleStun(now, from, bytes, decodeStun(bytes));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.counts.malformed += 1;
    }
  }

  handleTimeout(now: Millis): void {
    this.#lateness.note(now, this.#queue.nextAt);
    this.#settleTouched(now);
    let isGivenUp = false;
    for (const { probes } of this.#sockets.values()) {
      for (const probe of probes) {
        if (probe.nextAt > now) continue;
        const wasSettled = probe.isSettled;
        if (probe.handleTimeout(now)) isGivenUp = true;
        this.#take(probe);
        if (!wasSettled && probe.isSettled) this.#tellIfGathered(now);
      }
    }
    // A router that reboots may be away for longer than one question lasts.
    if (isGivenUp && this.#isAnyDoubtful()) this.#askAgain(now);
    // Once each, though one may want to be woken again at once.
    const due: Member[] = [];
    for (let m = this.#queue.shiftDue(now); m; m = this.#queue.shiftDue(now)) due.push(m);
    for (const member of due) {
      member.agent.handleTimeout(now);
      this.#settle(now, member);
    }
  }

  pollTransmit(): Transmit<IceRoute> | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): IcePoolEvent | undefined {
    const event = this.#events.shift();
    if (event?.type !== 'agentReadable') return event;
    const member = this.#members.get(event.agent);
    if (member !== undefined) member.isAnnounced = false;
    return event;
  }

  pollTimeout(): Millis | undefined {
    // What was touched is fetched by the next turn, at once.
    if (this.#touched.size > 0) return Number.NEGATIVE_INFINITY;
    let at = this.#queue.nextAt;
    if (this.#members.size > 0 || !this.#isGathered()) {
      for (const { probes } of this.#sockets.values()) {
        for (const probe of probes) at = Math.min(at, probe.nextAt);
      }
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  #handleStun(now: Millis, from: IceRoute, bytes: Uint8Array, message: StunMessage): void {
    if (message.class === StunClass.Request) {
      const ufrag = decodeUsername(message)?.receiver;
      if (ufrag === undefined) return;
      this.#give(now, from, bytes, message, (agent) => agent.answersTo(ufrag));
      return;
    }
    const { transactionId } = message;
    const socket = this.#sockets.get(from.socket);
    const probe = socket?.probes.find((candidate) => candidate.owns(transactionId));
    if (probe === undefined || socket === undefined) {
      this.#give(now, from, bytes, message, (agent) => agent.hasSent(transactionId));
      return;
    }
    // Whatever its address says: the answer has to come from the server that was asked.
    if (routeKey(from) !== routeKey(probe.route)) return;
    const mapped = probe.handleDatagram(now, from, bytes);
    this.#take(probe);
    if (mapped !== undefined) this.#addReflexive(now, socket, mapped, probe.route.host);
    this.#tellIfGathered(now);
  }

  #give(
    now: Millis,
    from: IceRoute,
    bytes: Uint8Array,
    message: StunMessage,
    isIts: (agent: IceAgent) => boolean,
  ): void {
    const last = this.#owners.get(routeKey(from));
    const member =
      last !== undefined && !last.agent.isEnded && isIts(last.agent) ? last : this.#find(isIts);
    if (member === undefined) {
      this.counts.strays += 1;
      return;
    }
    member.agent.handleStun(now, from, bytes, message);
    this.#settle(now, member);
  }

  #find(isIts: (agent: IceAgent) => boolean): Member | undefined {
    for (const member of this.#members.values()) if (isIts(member.agent)) return member;
    return undefined;
  }

  #handleApplication(now: Millis, from: IceRoute, bytes: Uint8Array): void {
    const key = routeKey(from);
    const last = this.#owners.get(key);
    const owner = last !== undefined && this.#owns(last, from, bytes) ? last : undefined;
    const member = owner ?? this.#findOwner(from, bytes);
    if (member === undefined) {
      this.#owners.delete(key);
      this.counts.strays += 1;
      return;
    }
    if (member !== last) this.#owners.set(key, member);
    member.agent.handleApplicationDatagram(now, from, bytes);
    this.#settle(now, member);
  }

  #findOwner(from: IceRoute, bytes: Uint8Array): Member | undefined {
    for (const member of this.#members.values()) {
      if (this.#owns(member, from, bytes)) return member;
    }
    return undefined;
  }

  #owns({ agent, claims }: Member, from: IceRoute, bytes: Uint8Array): boolean {
    if (agent.isEnded) return false;
    return claims === undefined ? agent.accepts(from) : claims(bytes);
  }

  #addProbe(now: Millis, socket: PoolSocket, host: IceLocalCandidate, server: StunAddress): void {
    if (!canPair(host.address, server)) return;
    const probe = new ReflexiveProbe(this.#crypto, { socket: host.socket, ...server });
    socket.probes.push(probe);
    probe.ask(now);
    this.#take(probe);
  }

  #addReflexive(now: Millis, socket: PoolSocket, address: StunAddress, server: string): void {
    const [host] = socket.candidates;
    if (host === undefined) return;
    // RFC 8445 §5.1.3: one that equals another of the same base is redundant.
    const isKnown = socket.candidates.some(
      (known) => known.address.host === address.host && known.address.port === address.port,
    );
    if (isKnown) return;
    const old = socket.candidates.findIndex((one) => one.type === 'srflx' && one.server === server);
    if (old >= 0) socket.candidates.splice(old, 1); // the NAT shows us elsewhere now
    this.#addCandidate(now, socket, {
      ...host,
      type: 'srflx',
      address,
      base: host.address,
      server,
    });
  }

  #addCandidate(now: Millis, socket: PoolSocket, candidate: IceLocalCandidate): void {
    if (socket.candidates.length >= iceLimits.localCandidates) return;
    socket.candidates.push(candidate);
    for (const member of [...this.#members.values()]) {
      member.agent.addLocalCandidate(now, candidate);
      this.#settle(now, member);
    }
  }

  #isGathered(): boolean {
    if (!this.#isComplete) return false;
    for (const { probes } of this.#sockets.values()) {
      if (probes.some((probe) => !probe.isSettled)) return false;
    }
    return true;
  }

  #tellIfGathered(now: Millis): void {
    if (!this.#isGathered()) return;
    for (const member of [...this.#members.values()]) {
      member.agent.endOfLocalCandidates(now);
      this.#settle(now, member);
    }
  }

  /** Mappings that nobody kept open are asked for anew. */
  #wakeProbes(now: Millis): void {
    for (const { probes } of this.#sockets.values()) {
      for (const probe of probes) {
        if (!probe.isSettled || (probe.nextAt > now && this.#members.size > 1)) continue;
        probe.ask(now);
        this.#take(probe);
      }
    }
  }

  #take(probe: ReflexiveProbe): void {
    for (let t = probe.pollTransmit(); t !== undefined; t = probe.pollTransmit()) {
      this.#transmits.push(t);
    }
  }

  #settleTouched(now: Millis): void {
    for (const member of this.#touched) this.#settle(now, member);
  }

  /** Fetches what the agent has to send and to tell. */
  #settle(now: Millis, member: Member): void {
    const { agent } = member;
    this.#touched.delete(member);
    for (let t = agent.pollTransmit(); t !== undefined; t = agent.pollTransmit()) {
      this.#transmits.push(t);
    }
    if (agent.hasEvents && !member.isAnnounced) {
      member.isAnnounced = true;
      this.#events.push({ type: 'agentReadable', agent });
    }
    this.#queue.set(member, agent.pollTimeout() ?? Number.POSITIVE_INFINITY);
    const { isDoubtful } = agent;
    const isNew = isDoubtful && !member.wasDoubtful;
    member.wasDoubtful = isDoubtful;
    // The NAT may show us under another address now, which the other side has to be told.
    if (isNew) this.#askAgain(now);
    if (agent.isEnded) this.#members.delete(agent);
  }

  #isAnyDoubtful(): boolean {
    for (const { wasDoubtful } of this.#members.values()) if (wasDoubtful) return true;
    return false;
  }

  #askAgain(now: Millis): void {
    this.#events.push({ type: 'doubtful' });
    for (const { probes } of this.#sockets.values()) {
      for (const probe of probes) {
        probe.ask(now);
        this.#take(probe);
      }
    }
  }
}
