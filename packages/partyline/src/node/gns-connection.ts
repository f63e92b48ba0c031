import { type Deferred, deferred, Emitter, NetError } from '../base/index.ts';
import {
  type ConnectionState,
  EndReason,
  type GnsConfig,
  type GnsConnection,
  type InstantaneousStats,
  type LifetimeStats,
  printUdpAddress,
  type StateChange,
  type UdpAddress,
} from '../gns/index.ts';
import {
  type LaneOptions,
  type LaneStatus,
  type ReceivedMessage,
  SendFlag,
  type SnpStats,
} from '../snp/index.ts';
import { describeConnection, qualityOf } from './gns-connection-text.ts';
import type { PollGroup } from './gns-poll-group.ts';

export type ConnectionEvents = {
  /** GNS's status changed; the inner states finWait, linger and dead are told too. */
  stateChanged: StateChange;
  /** Messages are waiting: drain {@link Connection.receive}. Once per drain, not per message. */
  readable: undefined;
};

export interface ConnectionStats extends SnpStats {
  readonly state: ConnectionState;
  /** Share of packets that came to us once and in order, 0 to 1; -1 while unknown. */
  readonly connectionQualityLocal: number;
  /** The same as the peer tells it. */
  readonly connectionQualityRemote: number;
  readonly rates: InstantaneousStats;
  /** Counters since the connection began. */
  readonly lifetime: LifetimeStats;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Datagrams not processed: unparsable, stray, replayed, forged. */
  readonly drops: Readonly<GnsConnection['drops']>;
}

export interface OutgoingMessage {
  readonly bytes: Uint8Array;
  /** {@link SendFlag}. Default reliable. */
  readonly flags?: number;
  readonly lane?: number;
}

/** The way that a P2P connection's packets take now. */
export interface ConnectionRoute {
  /** GNS's kinds: on one of our own networks, straight over others, through somebody's relay. */
  readonly type: 'local' | 'udp' | 'relay';
  /** The other end as we see it; a relay's, when the other side uses one. */
  readonly address: UdpAddress;
}

/** Who drives a connection. */
export interface ConnectionHost {
  now(): number;
  /** What it has to send and tell goes out. */
  touch(core: GnsConnection): void;
  /** Of a P2P connection; `undefined` before there is one. */
  routeOf?(core: GnsConnection): ConnectionRoute | undefined;
}

const nowhere: UdpAddress = Object.freeze({ host: '::', port: 0 });

/** A GNS connection: ISteamNetworkingSockets' functions on HSteamNetConnection. */
export class Connection implements AsyncDisposable {
  readonly events: Pick<Emitter<ConnectionEvents>, 'on'>;
  /** Yours; nothing here looks at it. */
  userData: unknown;
  /** For your logs, and in {@link Connection.describe}. */
  name = '';
  readonly #core: GnsConnection;
  readonly #host: ConnectionHost;
  readonly #remoteAddress: UdpAddress | undefined;
  readonly #emitter = new Emitter<ConnectionEvents>();
  readonly #connected: Deferred<Connection> = deferred();
  #wasConnected = false;
  readonly #ended: Deferred<void> = deferred();
  #pollGroup: PollGroup | undefined;

  /** Made by GnsSockets; not for applications. */
  constructor(core: GnsConnection, host: ConnectionHost, remoteAddress?: UdpAddress) {
    this.#core = core;
    this.#host = host;
    this.#remoteAddress = remoteAddress;
    this.events = this.#emitter;
    this.#connected.promise.catch(() => {}); // whoever waits hears of it
  }

  /** The connection's own scope: changes take effect at once, but for what the handshake fixed. */
  get config(): GnsConfig {
    return this.#core.config;
  }

  get state(): ConnectionState {
    return this.#core.state;
  }

  /** Of P2P that of {@link Connection.route}; port 0 while there is none, or a relay stands between. */
  get remoteAddress(): UdpAddress {
    const { route } = this;
    return this.#remoteAddress ?? (route?.type === 'relay' ? nowhere : (route?.address ?? nowhere));
  }

  /** P2P: the way that packets take now, which may change; `undefined` before there is one. */
  get route(): ConnectionRoute | undefined {
    return this.#host.routeOf?.(this.#core);
  }

  /** `str:…`, `ip:…`; `undefined` before the peer has shown itself. */
  get remoteIdentity(): string | undefined {
    return this.#core.remoteIdentity;
  }

  /** Did a trusted CA vouch for {@link Connection.remoteIdentity}? If not, the peer only claims it. */
  get isVerified(): boolean {
    return this.#core.isVerified;
  }

  get isEncrypted(): boolean {
    return this.#core.isEncrypted;
  }

  /** GNS's ESteamNetConnectionEnd; 0 while it has not ended. */
  get endReason(): number {
    return this.#core.endReason;
  }

  get endDebug(): string {
    return this.#core.endDebug;
  }

  /** Settles when it is connected; rejects with `GNS_CONNECT_FAILED` if that never happens. */
  get connected(): Promise<Connection> {
    return this.#connected.promise;
  }

  /** Settles when the connection is over and its last datagram has left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** {@link Connection.receive} then happens through the group. `undefined` leaves it. */
  set pollGroup(group: PollGroup | undefined) {
    this.#pollGroup?.remove(this);
    this.#pollGroup = group;
    group?.add(this);
  }

  /**
   * Queues a copy. Returns the message's number on its lane; 0 when the send buffer is full, -1
   * when a NoDelay message was dropped. Before it is connected messages wait.
   * @throws NetError `GNS_CLOSED`, `OPTIONS_INVALID`
   */
  send(bytes: Uint8Array, flags: number = SendFlag.Reliable, lane = 0): number {
    this.#requireOpen();
    const number = this.#core.snp.send(this.#host.now(), bytes, flags, lane);
    this.#host.touch(this.#core);
    return number;
  }

  /** {@link Connection.send} for many; one result each. */
  sendBatch(messages: readonly OutgoingMessage[]): number[] {
    this.#requireOpen();
    const now = this.#host.now();
    const { snp } = this.#core;
    const results = messages.map(({ bytes, flags = SendFlag.Reliable, lane = 0 }) =>
      snp.send(now, bytes, flags, lane),
    );
    this.#host.touch(this.#core);
    return results;
  }

  /** What waits for company leaves now, as far as the rate allows. */
  flush(): void {
    this.#core.snp.flush();
    this.#host.touch(this.#core);
  }

  /** The next message, or `undefined` when there is none. Its bytes are yours. */
  receive(): ReceivedMessage | undefined {
    return this.#core.receive(this.#host.now());
  }

  /** Up to `max` messages. */
  receiveBatch(max: number): ReceivedMessage[] {
    const messages: ReceivedMessage[] = [];
    while (messages.length < max) {
      const message = this.receive();
      if (message === undefined) break;
      messages.push(message);
    }
    return messages;
  }

  /** One entry per lane; more lanes may be added later, none taken away. @throws NetError `OPTIONS_INVALID` */
  configureLanes(lanes: readonly LaneOptions[]): void {
    this.#core.configureLanes(this.#host.now(), lanes);
    this.#host.touch(this.#core);
  }

  /** Of {@link Connection.stats} alone what is queued, reliable or not. */
  get pendingBytes(): number {
    return this.#core.snp.pendingBytes;
  }

  stats(): ConnectionStats {
    const { stats, snp, drops, state } = this.#core;
    return {
      ...snp.stats(),
      state,
      connectionQualityLocal: stats.quality,
      connectionQualityRemote: qualityOf(stats.remote),
      rates: stats.instantaneous,
      lifetime: stats.lifetime(this.#host.now()),
      packetsSent: stats.packetsSent,
      packetsReceived: stats.packetsReceived,
      bytesSent: stats.bytesSent,
      bytesReceived: stats.bytesReceived,
      drops: { ...drops },
    };
  }

  /** One for each lane: what is queued, and for how long. */
  laneStatuses(): LaneStatus[] {
    return this.#core.snp.laneStatuses();
  }

  /** GNS's detailed status: text for people and logs. */
  describe(): string {
    const { remoteAddress, name, route } = this;
    return describeConnection(this.#core, this.#host.now(), {
      name,
      address: printUdpAddress(remoteAddress),
      ...(route === undefined ? {} : { route: route.type }),
    });
  }

  /** Ends it; `linger` first delivers what is reliable. Settles when it is over. */
  close(reason: number = EndReason.AppGeneric, debug = '', linger = false): Promise<void> {
    this.#core.close(this.#host.now(), reason, debug, linger);
    this.#host.touch(this.#core);
    return this.#ended.promise;
  }

  /** Closed with `linger`, and what is still on its way need not arrive any more. */
  stopLingering(): void {
    this.#core.stopLingering(this.#host.now());
    this.#host.touch(this.#core);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The sockets tell what the core told them; not for applications. */
  tellChange(change: StateChange): void {
    this.#emitter.emit('stateChanged', change);
    const { state, reason, debug } = change;
    if (state === 'connected') {
      this.#wasConnected = true;
      this.#connected.resolve(this);
    }
    if (state !== 'finWait' && state !== 'dead') return;
    if (!this.#wasConnected) {
      const why = `${reason}: ${debug === '' ? 'closed' : debug}`;
      this.#connected.reject(new NetError('GNS_CONNECT_FAILED', why));
    }
    this.#pollGroup?.remove(this);
    setImmediate(() => this.#ended.resolve()); // the turn that told it also writes the last datagram
  }

  tellReadable(): void {
    this.#emitter.emit('readable', undefined);
    this.#pollGroup?.tellReadable(this);
  }

  #requireOpen(): void {
    const { state } = this.#core;
    if (state === 'connecting' || state === 'findingRoute' || state === 'connected') return;
    throw new NetError('GNS_CLOSED', `the connection is ${state}`);
  }
}
