import { Emitter, type Logger, NetError, parseIp } from '../base/index.ts';
import {
  ANONYMOUS_IDENTITY,
  type EndpointOptions,
  GnsConfig,
  GnsEndpoint,
  type GnsOptions,
  type LocalIdentity,
  selfMadeIdentity,
  type UdpAddress,
  udpAddresses,
} from '../gns/index.ts';
import { nodeCrypto } from './crypto.ts';
import { Connection } from './gns-connection.ts';
import { ConnectionBook } from './gns-connection-book.ts';
import { globalGnsConfig } from './gns-global-config.ts';
import { GnsHost } from './gns-host.ts';
import { ListenSocket, type ListenSocketEvents } from './gns-listen-socket.ts';
import { Pipe } from './gns-pipe.ts';
import { PollGroup } from './gns-poll-group.ts';
import { type GnsTap, tappedCrypto } from './gns-tap.ts';

export interface GnsSocketsOptions {
  /** `str:…`, `gen:…`, `steamid:…`. Default: anonymous, known to peers by address. */
  identity?: string;
  /** A certificate and the seed of its Ed25519 key; then `identity` is the certificate's. Default: self-made. */
  certificate?: { readonly cert: Uint8Array; readonly seed: Uint8Array; readonly identity: string };
  /** For every socket and connection made here; each can override it. */
  config?: GnsOptions;
  /** The wider scope, where not {@link globalGnsConfig}. */
  globalConfig?: GnsConfig;
  /** Default: no logs. */
  logger?: Logger;
  /** Sees every datagram and the secrets that open them. Default none. */
  tap?: GnsTap;
}

export interface GnsListenOptions extends Omit<EndpointOptions, 'config' | 'isListening'> {
  /** Numeric address. Default `0.0.0.0`; `::` takes IPv4 too. */
  host?: string;
  /** 0 lets the system choose. Default 0. */
  port?: number;
  config?: GnsOptions;
}

export interface GnsConnectOptions {
  /** Who it must be. Default: whoever answers. */
  identity?: string;
  config?: GnsOptions;
  /** Aborting closes the connection; the call rejects with its reason. */
  signal?: AbortSignal;
}

export interface SocketPairOptions {
  /** Inside the process, without a socket: as fast as memory, and never lossy. Default false: loopback UDP. */
  isPipe?: boolean;
  config?: GnsOptions;
}

/** GNS over UDP in Node: ISteamNetworkingSockets with TypeScript's manners. */
export class GnsSockets implements AsyncDisposable {
  readonly identity: string;
  /** What everything made here inherits, also when it changes later. */
  readonly config: GnsConfig;
  readonly #local: LocalIdentity;
  readonly #logger: Logger | undefined;
  readonly #tap: GnsTap | undefined;
  readonly #listening = new Set<ListenSocket>();
  readonly #pipes: ConnectionBook;
  readonly #dialled = new Set<{ readonly connection: Connection; readonly host: GnsHost }>();

  /** @throws NetError `OPTIONS_INVALID` */
  constructor(options: GnsSocketsOptions = {}) {
    const { identity = ANONYMOUS_IDENTITY, certificate, logger, tap } = options;
    this.config = new GnsConfig(
      { parent: options.globalConfig ?? globalGnsConfig },
      options.config,
    );
    const { appId } = this.config.values;
    this.#local = certificate ?? selfMadeIdentity(nodeCrypto, identity, appId);
    this.identity = this.#local.identity;
    this.#logger = logger;
    this.#tap = tap;
    this.#pipes = new ConnectionBook(logger);
  }

  /** @throws NetError `UDP_SOCKET`, `OPTIONS_INVALID` */
  async listen(options: GnsListenOptions = {}): Promise<ListenSocket> {
    const { host: address, port, config, ...limits } = options;
    const scope = new GnsConfig({ parent: this.config }, config);
    const endpoint = this.#endpoint({ ...limits, isListening: true, config: scope });
    const emitter = new Emitter<ListenSocketEvents>();
    const book = new ConnectionBook(this.#logger);
    const host: GnsHost = await GnsHost.open(
      endpoint,
      (event) => {
        if (event.type !== 'incoming') {
          book.tell(event);
          return;
        }
        const remote = endpoint.addressOf(event.connection);
        if (remote === undefined) return;
        const connection = new Connection(event.connection, host, remote);
        book.add(event.connection, connection);
        emitter.emit('incoming', connection);
      },
      this.#driverOptions(address, port),
    );
    const socket = new ListenSocket(host, book, emitter);
    this.#listening.add(socket);
    return socket;
  }

  /**
   * Settles when it is connected; a fresh socket and port for each, as GNS needs it.
   * @throws NetError `GNS_CONNECT_FAILED`, `UDP_SOCKET`, `OPTIONS_INVALID`; or the signal's reason
   */
  async connect(to: UdpAddress, options: GnsConnectOptions = {}): Promise<Connection> {
    const connection = await this.dial(to, options);
    return connection.connected;
  }

  /** As {@link GnsSockets.connect}, but settles while it is still connecting. */
  async dial(to: UdpAddress, options: GnsConnectOptions = {}): Promise<Connection> {
    const { signal, identity, config } = options;
    signal?.throwIfAborted();
    if (parseIp(to.host.split('%')[0] ?? '') === undefined) {
      throw new NetError(
        'OPTIONS_INVALID',
        `${to.host} is not a numeric address: look it up first`,
      );
    }
    const scope = new GnsConfig({ parent: this.config }, config); // the socket's and the connection's
    const endpoint = this.#endpoint({ config: scope });
    const book = new ConnectionBook(this.#logger);
    const host: GnsHost = await GnsHost.open(
      endpoint,
      (event) => {
        if (event.type !== 'incoming') book.tell(event);
      },
      { ...this.#driverOptions(undefined, 0), peer: to },
    );
    const asked = host.ask(to); // what follows takes as long as the answer
    const expected = identity === undefined ? {} : { identity };
    const core = endpoint.connect(host.now(), to, { ...expected, config: scope, asked });
    const connection = new Connection(core, host, to);
    book.add(core, connection);
    this.#keep(connection, host);
    signal?.addEventListener('abort', () => void connection.close(), { once: true });
    return connection;
  }

  createPollGroup(): PollGroup {
    return new PollGroup();
  }

  /**
   * Two connected ends over loopback UDP, or by a pipe inside the process: GNS's CreateSocketPair
   * with and without `bUseNetworkLoopback`. @throws NetError `UDP_SOCKET`, `OPTIONS_INVALID`
   */
  async createSocketPair(options: SocketPairOptions = {}): Promise<[Connection, Connection]> {
    const { config } = options;
    if (options.isPipe === true) return this.#pipe(config);
    const listening = await this.listen({ host: '127.0.0.1', ...(config ? { config } : {}) });
    const accepted = new Promise<Connection>((resolve) => {
      listening.events.on('incoming', (incoming) => {
        listening.accept(incoming);
        resolve(incoming);
      });
    });
    const dialled = await this.connect(listening.address, config ? { config } : {});
    const other = await accepted;
    void other.ended.then(() => {
      this.#listening.delete(listening);
      return listening.close();
    });
    return [dialled, other];
  }

  #pipe(config: GnsOptions | undefined): [Connection, Connection] {
    const scope = new GnsConfig({ parent: this.config, hasSocket: false }, config);
    const setup = {
      crypto: nodeCrypto,
      locals: [this.#local, this.#local],
      config: scope,
    } as const;
    const pipe = new Pipe({ ...setup, epochMs: performance.timeOrigin }, this.#pipes);
    return [...pipe.ends];
  }

  /** Ends everything made here. */
  async close(): Promise<void> {
    const dialled = [...this.#dialled].map(({ connection }) => connection.close());
    const piped = this.#pipes.all().map((connection) => connection.close());
    await Promise.all([
      ...dialled,
      ...piped,
      ...[...this.#listening].map((socket) => socket.close()),
    ]);
    await Promise.all([...this.#dialled].map(({ host }) => host.close()));
    this.config.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #endpoint(options: EndpointOptions): GnsEndpoint<UdpAddress> {
    const setup = {
      crypto: this.#tap === undefined ? nodeCrypto : tappedCrypto(nodeCrypto, this.#tap),
      local: this.#local,
      addresses: udpAddresses,
      epochMs: performance.timeOrigin,
      random: Math.random,
    };
    return new GnsEndpoint(setup, options);
  }

  #driverOptions(
    host: string | undefined,
    port: number | undefined,
  ): { host?: string; port?: number; logger?: Logger; tap?: GnsTap } {
    return {
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(this.#logger === undefined ? {} : { logger: this.#logger }),
      ...(this.#tap === undefined ? {} : { tap: this.#tap }),
    };
  }

  /** The socket lives as long as the connection answers strays, then it is closed. */
  #keep(connection: Connection, host: GnsHost): void {
    const entry = { connection, host };
    this.#dialled.add(entry);
    connection.events.on('stateChanged', ({ state }) => {
      if (state === 'finWait') host.unref();
      if (state !== 'dead') return;
      this.#dialled.delete(entry);
      void host.close();
    });
  }
}
