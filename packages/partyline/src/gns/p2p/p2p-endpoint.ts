import { DecodeError, type Millis, NetError } from '../../base/index.ts';
import { parseIdentity, printIdentity } from '../../cert/index.ts';
import type { IceEvent } from '../../ice/index.ts';
import { GnsConfig } from '../config.ts';
import type { GnsConnection } from '../connection.ts';
import { EventQueue, type GnsEvent } from '../event-queue.ts';
import { HandshakeRefusal, type RemoteChecks } from '../handshake.ts';
import { TokenBucket } from '../token-bucket.ts';
import type { P2pAgent } from './ice-path.ts';
import { checkPeer, P2pLink, type P2pLinkSetup, type P2pPorts } from './p2p-link.ts';
import { P2pLinks } from './p2p-links.ts';
import {
  type P2pConnectOptions,
  type P2pEndpointOptions,
  type P2pListenOptions,
  type P2pSetup,
  p2pEndpointDefaults,
} from './p2p-options.ts';
import {
  decodeRendezvous,
  encodeRendezvous,
  type P2pConnectRequest,
  type Rendezvous,
} from './rendezvous.ts';
import { isOursKept } from './symmetric.ts';
import { checkVirtualPort } from './virtual-port.ts';

/** A signal to be carried to `to`: opaque, best effort, once or often, in any order. */
export interface P2pSignal {
  readonly to: string;
  readonly bytes: Uint8Array;
}

export interface P2pCounts {
  /** Signals that did not parse. */
  malformed: number;
  /** For no connection or virtual port of ours, or from somebody else than they say. */
  unexpected: number;
  /** Requests over one of the limits, or whose sender is not who it says. */
  refused: number;
}

/** Answers that wait to leave and belong to no connection; more are dropped. */
const MAX_ANSWERS = 64;
/**
 * A peer that closes a connection over ICE says so only in answer to our packets, for 5 s (GNS has no
 * `TransportConnectionStateChanged` there): who is silent is asked sooner than on UDP, in ms.
 */
const KEEPALIVE_MS = 2000;
/** After a turn nobody is woken sooner than this, in ms. */
const MIN_SLEEP_MS = 0.05;

/**
 * GNS's P2P half of ISteamNetworkingSockets: peers known by identity, reached by signals, carried by
 * ICE. Emits and takes opaque signals and knows no signaling; agents come from a pool that somebody
 * drives, who tells {@link P2pEndpoint.handleIce} of their events. No I/O.
 */
export class P2pEndpoint {
  readonly counts: P2pCounts = { malformed: 0, unexpected: 0, refused: 0 };
  /** What its connections inherit. */
  readonly config: GnsConfig;
  readonly #setup: P2pSetup;
  readonly #options: P2pEndpointOptions;
  readonly #limits: typeof p2pEndpointDefaults;
  readonly #links = new P2pLinks();
  readonly #byAgent = new WeakMap<P2pAgent, P2pLink>();
  readonly #listeners = new Map<number, P2pListenOptions>();
  readonly #events = new EventQueue();
  readonly #checks: TokenBucket;
  readonly #signals: P2pSignal[] = [];
  #now: Millis = 0;

  constructor(setup: P2pSetup, options: P2pEndpointOptions = {}) {
    this.#setup = setup;
    this.#options = options;
    this.config = GnsConfig.from({ parent: setup.crypto }, options.config);
    const { maxConnections, maxIncoming, maxHandshakesPerSecond } = p2pEndpointDefaults;
    this.#limits = {
      maxConnections: options.maxConnections ?? maxConnections,
      maxIncoming: options.maxIncoming ?? maxIncoming,
      maxHandshakesPerSecond: options.maxHandshakesPerSecond ?? maxHandshakesPerSecond,
    };
    this.#checks = new TokenBucket(this.#limits.maxHandshakesPerSecond);
  }

  get connectionCount(): number {
    return this.#links.count;
  }

  /** Takes requests for a virtual port. @throws NetError `OPTIONS_INVALID`, `GNS_ADDRESS_IN_USE` */
  listen(virtualPort: number, options: P2pListenOptions = {}): void {
    checkVirtualPort('virtualPort', virtualPort);
    if (this.#listeners.has(virtualPort)) {
      throw new NetError('GNS_ADDRESS_IN_USE', `virtual port ${virtualPort} is listened on`);
    }
    this.#listeners.set(virtualPort, { ...options, config: this.#scope(options) });
  }

  /** No more of them; connections stay. */
  unlisten(virtualPort: number): void {
    this.#listeners.delete(virtualPort);
  }

  /**
   * Calls a peer. Symmetric, and it has asked already: takes its request instead.
   * @throws NetError `OPTIONS_INVALID`, `GNS_ADDRESS_IN_USE`, `GNS_TOO_MANY_CONNECTIONS`
   */
  connect(
    now: Millis,
    to: string,
    remoteVirtualPort: number,
    options: P2pConnectOptions = {},
  ): GnsConnection {
    this.#now = now;
    const remoteIdentity = canonical(to);
    const { localVirtualPort = remoteVirtualPort } = options;
    checkVirtualPort('remoteVirtualPort', remoteVirtualPort);
    checkVirtualPort('localVirtualPort', localVirtualPort);
    if (remoteIdentity === undefined || remoteIdentity === this.#setup.local.identity) {
      throw new NetError('OPTIONS_INVALID', `${to} is nobody to connect to`);
    }
    const ports = { remoteIdentity, localVirtualPort, remoteVirtualPort };
    const isSymmetric =
      options.isSymmetric ?? this.#listeners.get(localVirtualPort)?.isSymmetric ?? false;
    const known = this.#links.between(ports, !isSymmetric);
    if (known !== undefined) return this.#takeKnown(now, known);
    if (this.#links.count >= this.#limits.maxConnections) {
      throw new NetError('GNS_TOO_MANY_CONNECTIONS', 'the endpoint has maxConnections');
    }
    const link = this.#makeLink(now, 'client', ports, { ...options, isSymmetric });
    link.dial(now);
    this.#settle(link);
    return link.connection;
  }

  /** Takes an incoming connection, which then looks for a route. False when it has ended meanwhile. */
  accept(now: Millis, connection: GnsConnection): boolean {
    this.#now = now;
    const link = this.#links.of(connection);
    const isWaiting = connection.role === 'server' && connection.state === 'connecting';
    if (link === undefined || !isWaiting) return false;
    const isTaken = link.accept(now);
    this.#settle(link);
    return isTaken;
  }

  linkOf(connection: GnsConnection): P2pLink | undefined {
    return this.#links.of(connection);
  }

  /**
   * A signal came; `from` is who sent it, where the signaling vouches for that. What is not for us,
   * or of somebody unknown, is left without an answer: nobody learns from it who is here.
   */
  handleSignal(now: Millis, bytes: Uint8Array, from?: string): void {
    this.#now = now;
    try {
      const signal = decodeRendezvous(bytes);
      const identity = canonical(signal.from);
      const isForged = from !== undefined && canonical(from) !== identity;
      if (identity === undefined || isForged) this.counts.unexpected += 1;
      else this.#take(now, { ...signal, from: identity });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.counts.malformed += 1;
    }
  }

  /** An agent tells something. */
  handleIce(now: Millis, agent: P2pAgent, event: IceEvent): void {
    this.#now = now;
    const link = this.#byAgent.get(agent);
    if (link === undefined || link.path.agent !== agent) return;
    link.handleIce(now, event);
    this.#settle(link);
  }

  /** Call after any method of a connection that may cause datagrams, signals or events. */
  touch(now: Millis, connection: GnsConnection): void {
    this.#now = now;
    const link = this.#links.of(connection);
    if (link !== undefined) this.#settle(link);
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    const { queue } = this.#links;
    for (let link = queue.shiftDue(now); link !== undefined; link = queue.shiftDue(now)) {
      link.handleTimeout(now);
      this.#settle(link);
    }
  }

  /** Datagrams leave through the agents; call it once a turn, and {@link P2pEndpoint.pollSignal} after it. */
  pump(now: Millis): void {
    this.#now = now;
    for (const link of this.#links.takeTouched()) {
      if (this.#links.withId(link.connection.id) !== link) continue;
      link.pump(now);
      this.#tell(link);
      this.#takeSignal(now, link);
      if (link.connection.state === 'dead') this.#remove(now, link);
      else this.#links.queue.set(link, Math.max(link.nextWakeAt(now), now + MIN_SLEEP_MS));
    }
  }

  pollSignal(): P2pSignal | undefined {
    return this.#signals.shift();
  }

  pollEvent(): GnsEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis | undefined {
    if (this.#links.hasTouched || this.#signals.length > 0) return this.#now;
    const at = this.#links.queue.nextAt;
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  // Signals in: GNS `InternalReceivedP2PSignal`.

  #take(now: Millis, signal: Rendezvous): void {
    const { from, fromConnectionId, toConnectionId } = signal;
    const link =
      toConnectionId === 0
        ? this.#links.withRemote(from, fromConnectionId)
        : this.#links.withId(toConnectionId);
    const isForOurs = link !== undefined && link.ports.remoteIdentity === from;
    if (isForOurs) {
      link.handleSignal(now, signal);
      this.#settle(link);
    } else if (link === undefined && toConnectionId === 0 && signal.connectRequest !== undefined) {
      this.#takeRequest(now, signal, signal.connectRequest);
    } else {
      this.counts.unexpected += 1;
    }
  }

  #takeRequest(now: Millis, signal: Rendezvous, request: P2pConnectRequest): void {
    const { toVirtualPort: localVirtualPort, fromVirtualPort = localVirtualPort } = request;
    if (localVirtualPort === undefined || fromVirtualPort === undefined) {
      this.counts.unexpected += 1;
      return;
    }
    const remoteVirtualPort = fromVirtualPort;
    const ports = { remoteIdentity: signal.from, localVirtualPort, remoteVirtualPort };
    const listener = this.#listeners.get(localVirtualPort);
    const rival = this.#links.between(ports, listener?.isSymmetric !== true);
    if (rival !== undefined) this.#resolve(now, rival, signal, request);
    else if (listener === undefined || signal.fromConnectionId === 0) this.counts.unexpected += 1;
    else this.#admit(now, signal, request, { ports, listener });
  }

  /** Both sides have asked each other: one of the two connections stays. */
  #resolve(now: Millis, rival: P2pLink, signal: Rendezvous, request: P2pConnectRequest): void {
    const { connection } = rival;
    const isUndecided = connection.role === 'client' && connection.state === 'connecting';
    if (!isUndecided || isOursKept(connection.id, signal.fromConnectionId)) {
      this.counts.unexpected += 1; // it will take ours
      return;
    }
    rival.becomeServer(now, signal, request);
    this.#settle(rival);
  }

  #admit(
    now: Millis,
    signal: Rendezvous,
    request: P2pConnectRequest,
    { ports, listener }: { readonly ports: P2pPorts; readonly listener: P2pListenOptions },
  ): void {
    const { maxConnections, maxIncoming } = this.#limits;
    const isFull = this.#links.count >= maxConnections || this.#links.waiting >= maxIncoming;
    if (isFull || !this.#checks.take(now)) {
      this.counts.refused += 1;
      return;
    }
    try {
      const checks = this.#remoteChecks(now, this.#scope(listener));
      const remote = checkPeer(this.#setup, checks, ports.remoteIdentity, request);
      const link = this.#makeLink(now, 'server', ports, listener);
      link.introduce(now, signal.fromConnectionId, remote);
      link.handleSignal(now, signal);
      this.#settle(link);
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      this.#refuse(signal, error);
    }
  }

  /** GNS `SendP2PRejection`: whoever knows a virtual port of ours knows that we are here. */
  #refuse(signal: Rendezvous, { reason, message }: HandshakeRefusal): void {
    this.counts.refused += 1;
    if (this.#signals.length >= MAX_ANSWERS) return;
    const bytes = encodeRendezvous({
      from: this.#setup.local.identity,
      // GNS ignores a close that names no connection; this one never existed.
      fromConnectionId: this.#links.drawId(this.#setup.crypto.randomBytes),
      to: signal.from,
      toConnectionId: signal.fromConnectionId,
      isIceEnabled: true,
      connectionClosed: { reason, debug: message },
      ...{ acked: 0, first: 0, messages: [] },
    });
    this.#signals.push({ to: signal.from, bytes });
  }

  // Links.

  #takeKnown(now: Millis, link: P2pLink): GnsConnection {
    const { connection } = link;
    if (!this.accept(now, connection)) {
      const why = 'a symmetric connection between these virtual ports exists';
      throw new NetError('GNS_ADDRESS_IN_USE', why);
    }
    return connection;
  }

  #makeLink(
    now: Millis,
    role: 'client' | 'server',
    ports: P2pPorts,
    options: P2pConnectOptions,
  ): P2pLink {
    const { ice, crypto } = this.#setup;
    const { icePolicy = this.#options.icePolicy ?? 'all', isSymmetric = false } = options;
    const scope = this.#scope(options);
    const config = role === 'client' ? scope : new GnsConfig({ parent: scope, hasSocket: false });
    const setup: P2pLinkSetup = {
      ...ports,
      endpoint: {
        ...this.#setup,
        ice: {
          open: (at, agentOptions, claims) => {
            const agent = ice.open(at, agentOptions, claims);
            this.#byAgent.set(agent, link);
            return agent;
          },
          touch: (agent) => ice.touch(agent),
        },
      },
      config,
      checks: this.#remoteChecks(now, config),
      ...{ role, icePolicy, isSymmetric },
      keepaliveMs: this.#options.keepaliveMs ?? KEEPALIVE_MS,
      id: this.#links.drawId(crypto.randomBytes),
    };
    const link: P2pLink = new P2pLink(now, setup);
    this.#links.add(link);
    return link;
  }

  #scope({ config }: P2pListenOptions): GnsConfig {
    return GnsConfig.from({ parent: this.config, hasSocket: false }, config);
  }

  #remoteChecks(now: Millis, config: GnsConfig): RemoteChecks {
    const { epochMs } = this.#setup;
    return {
      options: config.values,
      nowSec: Math.floor((epochMs + now) / 1000),
      addressIdentity: () => '', // who is anonymous cannot be called by identity
      isLoopback: false,
    };
  }

  #settle(link: P2pLink): void {
    link.noteEnd(this.#now);
    this.#links.update(link);
    this.#tell(link);
    this.#links.touch(link);
  }

  #tell(link: P2pLink): void {
    this.#events.take(this.#now, link.connection);
  }

  #takeSignal(now: Millis, link: P2pLink): void {
    const bytes = link.desk.poll(now);
    if (bytes !== undefined) this.#signals.push({ to: link.ports.remoteIdentity, bytes });
  }

  #remove(now: Millis, link: P2pLink): void {
    link.path.close(now);
    this.#links.remove(link);
  }
}

/** One spelling; `undefined` for what names nobody. */
function canonical(text: string): string | undefined {
  const identity = parseIdentity(text);
  return identity === undefined ? undefined : printIdentity(identity);
}
