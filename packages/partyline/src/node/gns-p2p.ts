import { Emitter, type Logger } from '../base/index.ts';
import {
  EndReason,
  GnsConfig,
  type GnsConnection,
  type GnsEvent,
  type GnsOptions,
  type LocalIdentity,
  type P2pCounts,
  type SendToOptions,
  type SessionMessage,
  type SessionsEvent,
  selfMadeIdentity,
} from '../gns/index.ts';
import type { IcePolicy } from '../ice/index.ts';
import type { IdentitySignaling } from '../signaling/index.ts';
import { nodeCrypto } from './crypto.ts';
import { Connection } from './gns-connection.ts';
import { globalGnsConfig } from './gns-global-config.ts';
import { P2pHost } from './gns-p2p-host.ts';
import { type GnsTap, tappedCrypto } from './gns-tap.ts';
import type { IceHostOptions } from './ice-host.ts';

export interface GnsP2pOptions {
  /** `str:…`, `gen:…`, `steamid:…`: how peers call us. With `certificate` the certificate's. */
  readonly identity?: string;
  /** A certificate and the seed of its Ed25519 key. Default: self-made. */
  readonly certificate?: LocalIdentity;
  /** Carries signals; closed by whoever made it. */
  readonly signaling: IdentitySignaling;
  /** STUN and TURN servers, and which addresses of this machine are used. Default: host candidates of all. */
  readonly ice?: IceHostOptions;
  /** Which candidates are used and told. Default `all`. */
  readonly icePolicy?: IcePolicy;
  /** A peer that is silent for so long is asked for a sign of life, in milliseconds. Default 2000. */
  readonly keepaliveMs?: number;
  /** For every connection; each can override it. */
  readonly config?: GnsOptions;
  /** The wider scope, where not {@link globalGnsConfig}. */
  readonly globalConfig?: GnsConfig;
  /** Connections at once, each way. Default 8191. */
  readonly maxConnections?: number;
  /** Connections that wait to be accepted. Default 512. */
  readonly maxIncoming?: number;
  /** Default: no logs. */
  readonly logger?: Logger;
  /** Looks at datagrams, ICE's too, and at signals. Default none. */
  readonly tap?: GnsTap;
}

export interface P2pListenSocketOptions {
  /** Who listens also dials, and two that dial each other get one connection. Default false. */
  readonly isSymmetric?: boolean;
  readonly config?: GnsOptions;
}

export interface P2pDialOptions extends P2pListenSocketOptions {
  /** GNS LocalVirtualPort 38. Default the remote one. */
  readonly localVirtualPort?: number;
  readonly icePolicy?: IcePolicy;
  /** Aborting closes the connection; the call rejects with its reason. */
  readonly signal?: AbortSignal;
}

export type P2pListenSocketEvents = {
  /** Somebody asks to connect: {@link P2pListenSocket.accept} it or close it within TimeoutInitial. */
  incoming: Connection;
};

export type GnsMessagesEvents = {
  /** GNS `SteamNetworkingMessagesSessionRequest_t`: accept it, answer it or close it. */
  sessionRequest: { readonly identity: string };
  /** GNS `SteamNetworkingMessagesSessionFailed_t`. */
  sessionFailed: { readonly identity: string; readonly reason: number; readonly debug: string };
  /** Messages are waiting: drain {@link GnsMessages.receive} of your channels. */
  messages: { readonly identity: string };
};

/** GNS's listen socket for peers: requests for one virtual port. */
export class P2pListenSocket {
  readonly events: Pick<Emitter<P2pListenSocketEvents>, 'on'>;
  readonly virtualPort: number;
  readonly #host: P2pHost;
  readonly #coreOf: (connection: Connection) => GnsConnection | undefined;

  /** Made by GnsP2p; not for applications. */
  constructor(
    host: P2pHost,
    virtualPort: number,
    events: Emitter<P2pListenSocketEvents>,
    coreOf: (connection: Connection) => GnsConnection | undefined,
  ) {
    this.#host = host;
    this.virtualPort = virtualPort;
    this.events = events;
    this.#coreOf = coreOf;
  }

  /** A route is looked for then; `connection.connected` tells. False when it has ended meanwhile. */
  accept(connection: Connection): boolean {
    const core = this.#coreOf(connection);
    const isAccepted = core !== undefined && this.#host.endpoint.accept(this.#host.now(), core);
    this.#host.schedule();
    return isAccepted;
  }

  /** Takes no more requests; its connections stay. */
  close(): void {
    this.#host.endpoint.unlisten(this.virtualPort);
  }
}

/** GNS's ISteamNetworkingMessages: messages to identities, connections made and ended as needed. */
export class GnsMessages {
  readonly events: Pick<Emitter<GnsMessagesEvents>, 'on'>;
  readonly #host: P2pHost;

  /** Made by GnsP2p; not for applications. */
  constructor(host: P2pHost, events: Emitter<GnsMessagesEvents>) {
    this.#host = host;
    this.events = events;
    void host.sessions; // from now on it listens
  }

  /**
   * Queues a copy. Returns the message's number, 0 when the send buffer is full, -1 when a NoDelay
   * message was dropped. @throws NetError `GNS_CLOSED` when the session broke and `restart` is not
   * set, `OPTIONS_INVALID`
   */
  send(to: string, bytes: Uint8Array, options: SendToOptions = {}): number {
    const number = this.#host.sessions.send(this.#host.now(), to, bytes, options);
    this.#host.schedule();
    return number;
  }

  /** The next message for a channel (default 0), whoever sent it; `undefined` for none. */
  receive(channel = 0): SessionMessage | undefined {
    const message = this.#host.sessions.receive(this.#host.now(), channel);
    this.#host.schedule();
    return message;
  }

  /** GNS `AcceptSessionWithUser`. */
  accept(identity: string): boolean {
    const isAccepted = this.#host.sessions.accept(this.#host.now(), identity);
    this.#host.schedule();
    return isAccepted;
  }

  /** GNS `CloseSessionWithUser`. */
  close(identity: string): boolean {
    const isClosed = this.#host.sessions.close(this.#host.now(), identity);
    this.#host.schedule();
    return isClosed;
  }

  /** GNS `CloseChannelWithUser`. */
  closeChannel(identity: string, channel: number): boolean {
    const isClosed = this.#host.sessions.closeChannel(this.#host.now(), identity, channel);
    this.#host.schedule();
    return isClosed;
  }

  /** GNS `GetSessionConnectionInfo`; `none` without a session. */
  stateOf(identity: string): ReturnType<P2pHost['sessions']['stateOf']> {
    return this.#host.sessions.stateOf(identity);
  }
}

/**
 * GNS P2P in Node: peers called by identity through a signaling, connected by ICE. The P2P functions of
 * ISteamNetworkingSockets, and ISteamNetworkingMessages.
 */
export class GnsP2p implements AsyncDisposable {
  readonly identity: string;
  readonly #connections = new Map<GnsConnection, Connection>();
  readonly #listeners = new Map<number, Emitter<P2pListenSocketEvents>>();
  readonly #messageEvents = new Emitter<GnsMessagesEvents>();
  readonly #logger: Logger | undefined;
  #opened: P2pHost | undefined;
  #messages: GnsMessages | undefined;

  /** Settles when the sockets are open; candidates of servers follow by themselves. @throws NetError `UDP_SOCKET`, `OPTIONS_INVALID` */
  static async open(options: GnsP2pOptions): Promise<GnsP2p> {
    const { identity = '', certificate, tap, globalConfig = globalGnsConfig, ...rest } = options;
    const config = new GnsConfig({ parent: globalConfig, hasSocket: false }, options.config);
    const local = certificate ?? selfMadeIdentity(nodeCrypto, identity, config.values.appId);
    const p2p = new GnsP2p(local.identity, options.logger);
    p2p.#opened = await P2pHost.open({
      ...rest,
      ...(tap === undefined ? {} : { tap }),
      crypto: tap === undefined ? nodeCrypto : tappedCrypto(nodeCrypto, tap),
      local,
      config,
      onEvent: (event) => p2p.#handleEvent(event),
      onSessionEvent: (event) => p2p.#handleSessionEvent(event),
    });
    return p2p;
  }

  private constructor(identity: string, logger: Logger | undefined) {
    this.identity = identity;
    this.#logger = logger;
  }

  /** What everything made here inherits, also when it changes later. */
  get config(): GnsConfig {
    return this.#host.endpoint.config;
  }

  /** Signals that were not processed. */
  get counts(): Readonly<P2pCounts> {
    return { ...this.#host.endpoint.counts };
  }

  get connections(): readonly Connection[] {
    return [...this.#connections.values()];
  }

  /** ISteamNetworkingMessages; from the first use on requests are taken. */
  get messages(): GnsMessages {
    this.#messages ??= new GnsMessages(this.#host, this.#messageEvents);
    return this.#messages;
  }

  /** CreateListenSocketP2P. @throws NetError `OPTIONS_INVALID`, `GNS_ADDRESS_IN_USE` */
  listenP2P(virtualPort: number, options: P2pListenSocketOptions = {}): P2pListenSocket {
    this.#host.endpoint.listen(virtualPort, coreOptions(options));
    const emitter = new Emitter<P2pListenSocketEvents>();
    this.#listeners.set(virtualPort, emitter);
    return new P2pListenSocket(this.#host, virtualPort, emitter, (c) => this.#coreOf(c));
  }

  /**
   * ConnectP2P: settles when it is connected.
   * @throws NetError `GNS_CONNECT_FAILED`, `OPTIONS_INVALID`, `GNS_ADDRESS_IN_USE`; or the signal's reason
   */
  connectP2P(
    identity: string,
    remoteVirtualPort: number,
    options: P2pDialOptions = {},
  ): Promise<Connection> {
    return this.dialP2P(identity, remoteVirtualPort, options).connected;
  }

  /** As {@link GnsP2p.connectP2P}, at once, while it is still connecting. */
  dialP2P(identity: string, remoteVirtualPort: number, options: P2pDialOptions = {}): Connection {
    const { signal, localVirtualPort, icePolicy } = options;
    signal?.throwIfAborted();
    const host = this.#host;
    const core = host.endpoint.connect(host.now(), identity, remoteVirtualPort, {
      ...coreOptions(options),
      ...(localVirtualPort === undefined ? {} : { localVirtualPort }),
      ...(icePolicy === undefined ? {} : { icePolicy }),
    });
    const connection = this.#connectionOf(core);
    signal?.addEventListener('abort', () => void connection.close(), { once: true });
    host.schedule();
    return connection;
  }

  /** Ends every connection, then closes the sockets. */
  async close(reason: number = EndReason.AppGeneric, debug = ''): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close(reason, debug)));
    await this.#host.close();
    this.config.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #host(): P2pHost {
    if (this.#opened === undefined) throw new Error('not open yet');
    return this.#opened;
  }

  #connectionOf(core: GnsConnection): Connection {
    const known = this.#connections.get(core);
    if (known !== undefined) return known;
    const connection = new Connection(core, this.#host);
    this.#connections.set(core, connection);
    return connection;
  }

  #coreOf(connection: Connection): GnsConnection | undefined {
    for (const [core, known] of this.#connections) if (known === connection) return core;
    return undefined;
  }

  #handleEvent(event: GnsEvent): void {
    if (event.type === 'incoming') this.#handleIncoming(event.connection);
    else if (event.type === 'readable') this.#connections.get(event.connection)?.tellReadable();
    else {
      const { change, connection: core } = event;
      const why = core.remote?.warning;
      if (change.state === 'connected' && why !== undefined) {
        this.#logger?.warn({ connection: core.id, why }, 'peer is not authenticated');
      }
      this.#connections.get(core)?.tellChange(change);
      if (change.state === 'dead') this.#connections.delete(core);
    }
  }

  #handleIncoming(core: GnsConnection): void {
    const port = this.#host.endpoint.linkOf(core)?.ports.localVirtualPort ?? -1;
    this.#listeners.get(port)?.emit('incoming', this.#connectionOf(core));
  }

  #handleSessionEvent(event: SessionsEvent): void {
    const { type, ...payload } = event;
    // Each event's payload is that of its name; TypeScript does not see it through the union.
    this.#messageEvents.emit(type, payload as never);
  }
}

function coreOptions({ isSymmetric, config }: P2pListenSocketOptions): {
  isSymmetric?: boolean;
  config?: GnsOptions;
} {
  return {
    ...(isSymmetric === undefined ? {} : { isSymmetric }),
    ...(config === undefined ? {} : { config }),
  };
}
