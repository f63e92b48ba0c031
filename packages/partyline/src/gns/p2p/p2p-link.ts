import type { Millis } from '../../base/index.ts';
import type { IceEvent, IcePolicy, IceSelectedPair } from '../../ice/index.ts';
import type { GnsConfig } from '../config.ts';
import { GnsConnection } from '../connection.ts';
import { EndReason } from '../end-reason.ts';
import {
  checkRemote,
  HandshakeRefusal,
  type RemoteChecks,
  type RemoteHandshake,
} from '../handshake.ts';
import type { Credentials } from '../messages.ts';
import { MAX_DATAGRAM_BYTES } from '../protocol.ts';
import { IcePath } from './ice-path.ts';
import type { P2pSetup } from './p2p-options.ts';
import type { P2pConnectionClosed, P2pConnectRequest, Rendezvous } from './rendezvous.ts';
import { RouteProbe } from './route-probe.ts';
import { NO_CONNECTION_REASON, SignalDesk, type SignalEnds } from './signal-desk.ts';

/** What two ends have to match in, for one symmetric connection. */
export interface P2pPorts {
  readonly remoteIdentity: string;
  readonly localVirtualPort: number;
  readonly remoteVirtualPort: number;
}

export interface P2pLinkSetup extends P2pPorts {
  readonly endpoint: P2pSetup;
  readonly checks: RemoteChecks;
  /** The connection's own scope. */
  readonly config: GnsConfig;
  readonly icePolicy: IcePolicy;
  readonly keepaliveMs: number;
  readonly isSymmetric: boolean;
  readonly role: 'client' | 'server';
  readonly id: number;
}

/**
 * One P2P connection: a {@link GnsConnection}, introduced by signals and carried by ICE. GNS
 * `CSteamNetworkConnectionP2P`; states in docs/states/gns-connection.md.
 */
export class P2pLink {
  readonly connection: GnsConnection;
  readonly path: IcePath;
  readonly desk: SignalDesk;
  readonly ports: P2pPorts;
  readonly isSymmetric: boolean;
  /** For the endpoint's queue. */
  wakeAt: Millis = 0;
  queueIndex = -1;
  isTouched = false;
  readonly #setup: P2pLinkSetup;
  readonly #ends: SignalEnds;
  readonly #probe = new RouteProbe();
  #isEndTold = false;

  constructor(now: Millis, setup: P2pLinkSetup) {
    const { endpoint, config, id, role, remoteIdentity, icePolicy: policy } = setup;
    const { crypto, local, ice } = endpoint;
    this.#setup = setup;
    this.ports = setup;
    this.isSymmetric = setup.isSymmetric;
    this.#ends = {
      from: local.identity,
      fromConnectionId: id,
      to: remoteIdentity,
      toConnectionId: 0,
    };
    this.desk = new SignalDesk(now, this.#ends);
    this.path = new IcePath({
      ...{ ice, crypto, connectionId: id, policy },
      tell: (message) => this.desk.tell(this.#now, message),
      take: (at, datagram) => this.connection.handleDatagram(at, datagram),
    });
    this.connection = new GnsConnection(now, {
      ...{ crypto, local, config, role, id },
      needsRoute: true,
      whyNoRoute: () => this.path.explain(),
      keepaliveMs: setup.keepaliveMs,
    });
    this.#now = now;
  }

  #now: Millis = 0;

  get remoteId(): number {
    return this.#ends.toConnectionId;
  }

  get pair(): IceSelectedPair | undefined {
    return this.path.pair;
  }

  // The introduction.

  /** Client: asks the other side, and shows where we are. */
  dial(now: Millis): void {
    this.#now = now;
    const { localVirtualPort: fromVirtualPort, remoteVirtualPort: toVirtualPort } = this.ports;
    this.path.open(now, false);
    this.desk.ask(now, { ...this.connection.offer(), toVirtualPort, fromVirtualPort });
    this.#noteCandidates(now);
  }

  /** Server: who asks, checked; the application has yet to accept. */
  introduce(now: Millis, remoteId: number, remote: RemoteHandshake): void {
    this.#now = now;
    this.desk.isSilent = true;
    this.#learnRemoteId(now, remoteId);
    this.connection.introduce(remoteId, remote);
  }

  /** Server: takes the connection; false when that ends it. */
  accept(now: Millis): boolean {
    this.#now = now;
    const { connection } = this;
    const isTaken = connection.accept(now);
    const { answer } = connection;
    this.desk.isSilent = false;
    if (!isTaken || answer === undefined) return false;
    this.path.open(now, true);
    this.desk.accept(now, answer);
    return true;
  }

  /** Symmetric: the request of the other side counts and ours does not. False when that ends it. */
  becomeServer(now: Millis, signal: Rendezvous, request: P2pConnectRequest): boolean {
    this.#now = now;
    const { connection } = this;
    connection.becomeServer();
    this.path.close(now);
    this.desk.met();
    this.#learnRemoteId(now, signal.fromConnectionId);
    try {
      connection.introduce(signal.fromConnectionId, this.#check(request));
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      connection.fail(now, error.reason, error.message);
      return false;
    }
    this.#takeStream(now, signal);
    return this.accept(now);
  }

  // Signals in.

  /** A signal for this connection. GNS `ProcessSignal`. */
  handleSignal(now: Millis, signal: Rendezvous): void {
    this.#now = now;
    if (!this.#isOtherEnd(now, signal.fromConnectionId)) return;
    if (signal.connectionClosed !== undefined) {
      this.#handleClose(now, signal.connectionClosed);
      return;
    }
    const { connection, desk } = this;
    if (!connection.isActive && connection.state !== 'connecting') {
      desk.closeAgain(now);
      return;
    }
    this.#takeStream(now, signal);
    if (connection.role === 'client') {
      if (signal.connectOk !== undefined) this.#handleConnectOk(now, signal.connectOk);
    } else if (signal.connectRequest !== undefined) {
      desk.answerAgain(now);
    } else if (signal.toConnectionId !== 0) {
      desk.met(); // it has our id from our answer
    }
  }

  #isOtherEnd(now: Millis, id: number): boolean {
    if (id === 0 || (this.remoteId !== 0 && this.remoteId !== id)) {
      this.connection.drop('unexpected');
      return false;
    }
    this.#learnRemoteId(now, id);
    return true;
  }

  #learnRemoteId(now: Millis, id: number): void {
    this.#ends.toConnectionId = id;
    this.path.learnRemoteId(now, id);
  }

  #takeStream(now: Millis, signal: Rendezvous): void {
    for (const message of this.desk.stream.take(signal)) this.path.handleMessage(now, message);
    if (signal.first !== 0) this.desk.schedule.want(now); // acknowledged, new or not
  }

  #handleConnectOk(now: Millis, shown: Credentials): void {
    const { connection } = this;
    if (connection.state !== 'connecting') return; // a repetition
    try {
      connection.complete(now, this.remoteId, this.#check(shown));
      this.desk.met();
      // What came with our request should be acknowledged by now. GNS drops it where both have called.
      this.desk.stream.retryAll(now);
      this.desk.schedule.want(now); // the other side repeats its answer until it hears us
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      connection.refuse(now, this.remoteId, error);
    }
  }

  #handleClose(now: Millis, { reason, debug }: P2pConnectionClosed): void {
    if (reason === NO_CONNECTION_REASON) {
      this.desk.closeConfirmed();
      const why = "Received unexpected P2P 'no connection' signal";
      this.connection.peerClosed(now, EndReason.MiscPeerSentNoConnection, why);
      this.noteEnd(now);
      return;
    }
    this.connection.peerClosed(now, reason, debug);
    this.#isEndTold = true;
    this.desk.close(now, { reason: NO_CONNECTION_REASON, debug: '' }, 'once');
  }

  /** @throws HandshakeRefusal */
  #check(shown: Credentials): RemoteHandshake {
    return checkPeer(this.#setup.endpoint, this.#setup.checks, this.ports.remoteIdentity, shown);
  }

  // ICE and datagrams.

  /** The agent tells something. */
  handleIce(now: Millis, event: IceEvent): void {
    this.#now = now;
    const isChanged = this.path.handleEvent(now, event);
    this.#noteCandidates(now);
    if (isChanged && this.connection.state === 'findingRoute') this.#probe.begin(now);
    this.#lookForRoute(now);
  }

  #noteCandidates(now: Millis): void {
    if (this.path.hasCandidates) this.desk.schedule.candidateKnown(now);
  }

  /** GNS `TransportEndToEndConnectivityChanged`: a pair is selected, and a packet of the peer's has come. */
  #lookForRoute(now: Millis): void {
    const { connection } = this;
    if (connection.stats.packetsReceived === 0) return;
    this.desk.met();
    if (connection.state !== 'findingRoute' || this.pair === undefined) return;
    this.#probe.end();
    connection.routeFound(now);
  }

  /** Sends what can leave. */
  pump(now: Millis): void {
    this.#now = now;
    const { connection, path } = this;
    if (connection.state === 'findingRoute') this.#findRoute(now);
    this.noteEnd(now);
    const hasPair = path.pair !== undefined;
    if (!hasPair && connection.isActive) return;
    for (;;) {
      const length = connection.writeDatagram(now, buffer, 0);
      if (length === 0) break;
      if (hasPair) path.send(now, buffer.subarray(0, length));
    }
    path.flush();
  }

  #findRoute(now: Millis): void {
    const { connection, path } = this;
    if (path.pair === undefined) {
      // Once connected, silence decides (TimeoutConnected), not ICE.
      const { reason, debug } = path.explain();
      if (path.failure !== undefined) connection.fail(now, reason, debug);
      return;
    }
    if (this.#probe.nextAt === Number.POSITIVE_INFINITY) this.#probe.begin(now);
    if (this.#probe.isDue(now)) connection.liveness.ask();
  }

  // The end.

  /** Once it has ended: signals tell it where datagrams cannot, and otherwise when asked. */
  noteEnd(now: Millis): void {
    const { connection, desk } = this;
    if (this.#isEndTold || connection.isActive || connection.state === 'connecting') return;
    this.#isEndTold = true;
    if (connection.state === 'closedByPeer') {
      desk.close(now, { reason: NO_CONNECTION_REASON, debug: '' }, 'whenAsked');
      return;
    }
    const { endReason: reason, endDebug: debug } = connection;
    const hadRoute = connection.stats.packetsReceived > 0;
    desk.close(now, { reason, debug }, hadRoute ? 'whenAsked' : 'repeated');
  }

  // Time.

  handleTimeout(now: Millis): void {
    this.#now = now;
    this.connection.handleTimeout(now);
    if (this.connection.state === 'dead') this.path.close(now);
  }

  nextWakeAt(now: Millis): Millis {
    const hasPair = this.pair !== undefined;
    const probeAt =
      hasPair && this.connection.state === 'findingRoute'
        ? this.#probe.nextAt
        : Number.POSITIVE_INFINITY;
    return Math.min(this.connection.wakeAt(now, hasPair), probeAt, this.desk.nextAt);
  }
}

/** GNS `RecvCryptoHandshake` for P2P: the certificate must be that of whom we talk to. @throws HandshakeRefusal */
export function checkPeer(
  { crypto }: P2pSetup,
  checks: RemoteChecks,
  identity: string,
  shown: Credentials,
): RemoteHandshake {
  const remote = checkRemote(crypto, shown, checks);
  if (remote.identity === identity) return remote;
  const why = `Cert was issued to ${remote.identity}, not ${identity}`;
  throw new HandshakeRefusal(EndReason.RemoteBadCert, why);
}

/** Written and sent within one call, so that all connections share it. */
const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
