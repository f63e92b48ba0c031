import type { AddressInfo, Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { openApps } from '../app/index.ts';
import { type Clock, KeepAlive, KeyedBuckets, systemClock } from '../base/index.ts';
import {
  type Config,
  ConfigError,
  type ConfigInput,
  configSchema,
  type ListenAddress,
  parseListenAddress,
  printHost,
  readTlsFiles,
} from '../config/index.ts';
import { checkTokenKeys, KnownOrigins, Sessions } from '../identity/index.ts';
import { Lobbies } from '../lobby/index.ts';
import { RelayHub, RelayTickets, StunListener } from '../relay/index.ts';
import { SignalRouter } from '../rendezvous/index.ts';
import { MemoryStore, type Store } from '../store/index.ts';
import {
  openTurn,
  type RelayGroup,
  sharePort,
  type TurnRelay,
  TurnService,
} from '../turn/index.ts';
import { createHttp } from './http.ts';
import { createLogger, type ServerLogger } from './logger.ts';
import type { Services } from './services.ts';
import { type ServerStats, serverStats } from './stats.ts';
import { SocketDoor } from './upgrade.ts';
import { serverVersion } from './version.ts';

export interface StartOptions {
  /** Default: made from `logLevel` and `logFormat`. */
  readonly logger?: ServerLogger;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: this program's memory. Who passes one closes it. */
  readonly store?: Store;
}

/** A server that runs. */
export interface PartylineServer extends AsyncDisposable {
  readonly host: string;
  /** Of HTTP and WebSockets. */
  readonly port: number;
  /** What a client dials: `http://host:port`, or the configured public URL. */
  readonly url: string;
  /** Of STUN (UDP); `undefined` when it is off. */
  readonly stunPort: number | undefined;
  /** Relayed addresses of TURN, which answers on the ports of STUN and HTTP; empty when it is off. */
  readonly relayHosts: readonly string[];
  /**
   * Reads the certificate again; connections that are open are not touched. False without TLS.
   * @throws ConfigError, and the old one stays
   */
  reloadTls(): boolean;
  /** Counts since the start, and what is open now. */
  stats(): ServerStats;
  /** Tells every client, closes everything, and settles when it is gone. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a server in this program. @throws ConfigError for people, or the system's error
 * (`EADDRINUSE`) with everything closed again.
 */
export async function startServer(
  input: ConfigInput,
  { clock = systemClock, logger: givenLogger, store: givenStore }: StartOptions = {},
): Promise<PartylineServer> {
  const config = parseConfig(input);
  const logger = givenLogger ?? createLogger(config);
  const tls = readTlsFiles(config.tlsCert, config.tlsKey);
  const apps = openApps(config);
  checkTokenKeys(apps.values());
  const store = givenStore ?? new MemoryStore(clock);
  const keepAlive = new KeepAlive(clock, config.keepAliveMs);
  const lobbies = new Lobbies(store, clock, config, {
    seatRemoved: (seat) => relay.detach(seat),
    failed: (error) => logger.error({ err: error }, 'a held seat could not be freed'),
  });
  const relay = new RelayHub(config, clock, lobbies.seats);
  let stun: StunListener | undefined;
  let turn: OpenTurn | undefined;
  let endConnections = (): void => {};
  const services: Services = {
    config,
    apps,
    clock,
    logger,
    store,
    sessions: new Sessions(store, clock, config.seatHoldMs),
    lobbies,
    signals: new SignalRouter(lobbies.seats),
    relay,
    tickets: new RelayTickets(clock),
    origins: new KnownOrigins({ publicUrl: config.publicUrl, anyLoopbackPort: config.dev }),
    logins: new KeyedBuckets(config.rateLimits.login),
    keepAlive,
    stunUrls: (localAddress) => {
      const port = (turn?.relay ?? stun)?.port;
      return port === undefined ? [] : [`stun:${iceHost(config, localAddress)}:${port}`];
    },
    turn: () => turn?.service,
    turnRelay: () => turn?.relay?.local,
  };
  const door = new SocketDoor(services);
  let isReady = true;
  const http = await createHttp({
    ...{ config, logger, tls, version: serverVersion },
    isReady: () => isReady,
  });
  http.server.on('upgrade', (request, stream, head) => door.handleUpgrade(request, stream, head));

  const close = async (): Promise<void> => {
    isReady = false;
    await door.close(config.shutdownMs);
    keepAlive.close();
    lobbies.close();
    endConnections();
    await Promise.all([http.close(), stun?.close(), turn?.service.close()]);
    if (!givenStore) await store.close();
  };
  const listen = addressOf(config.listen);
  try {
    await http.listen({ host: listen.host, port: listen.port });
    const { port } = http.server.address() as AddressInfo; // it listens on TCP, so it has one
    const address = { host: listen.host, port };
    turn = await openTurnService(config, address, clock, logger);
    const { relay: turnRelay } = turn ?? {};
    endConnections = listenForTurn(http.server, clock, turnRelay?.local);
    if (!turnRelay) stun = await openStun(config, address, clock, logger);
    const server = running(services, door, http.server, { stun, turn: turnRelay }, close);
    logger.info({ url: server.url, stunPort: server.stunPort, apps: [...apps.keys()] }, 'serving');
    return server;
  } catch (error) {
    await close();
    throw error;
  }
}

/** The first byte tells, of what came plain and of what was decrypted. Gives what ends all connections. */
function listenForTurn(server: Server, clock: Clock, relay: TurnRelay | undefined): () => void {
  const accept = (socket: Socket): void => {
    if (relay) relay.streams.accept(socket);
    else socket.destroy();
  };
  // Nothing to tell apart, and looking would cost every connection.
  if (!relay && !(server instanceof TlsServer)) return () => {};
  const ends = [sharePort(server, clock, accept)];
  if (server instanceof TlsServer) ends.push(sharePort(server, clock, accept, 'secureConnection'));
  return () => {
    for (const end of ends) end();
  };
}

function running(
  services: Services,
  door: SocketDoor,
  server: Server,
  ice: { readonly stun: StunListener | undefined; readonly turn: RelayGroup | undefined },
  close: () => Promise<void>,
): PartylineServer {
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => {
    closed ??= close();
    return closed;
  };
  const { config } = services;
  const { host } = addressOf(config.listen);
  const { port } = server.address() as AddressInfo; // it listens on TCP, so it has one
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return {
    host,
    port,
    url: config.publicUrl ?? `${scheme}://${printHost(reachable(host))}:${port}`,
    stunPort: (ice.turn ?? ice.stun)?.port,
    relayHosts: ice.turn?.hosts ?? [],
    reloadTls: () => {
      const files = readTlsFiles(config.tlsCert, config.tlsKey);
      if (!files || !(server instanceof TlsServer)) return false;
      server.setSecureContext(files);
      return true;
    },
    stats: () => serverStats(services, door, ice),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

function parseConfig(input: ConfigInput): Config {
  const parsed = configSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new ConfigError(lines.join('\n'));
}

interface OpenTurn {
  readonly service: TurnService;
  readonly relay: RelayGroup | undefined;
}

async function openTurnService(
  config: Config,
  http: ListenAddress,
  clock: Clock,
  logger: ServerLogger,
): Promise<OpenTurn | undefined> {
  const onError = (error: Error): void => logger.error({ err: error }, 'TURN socket failed');
  const report = (message: string): void => logger.warn(message);
  const opened = await withFreePort(config, http, (udp) =>
    openTurn(config, udp, http.port, { clock, onError, report }),
  );
  if (!opened) return undefined;
  const { credentials, relay } = opened;
  const urls = (localAddress: string, player: string): readonly string[] => {
    if (!relay) return config.turn.urls;
    const host = iceHost(config, localAddress);
    // With TLS the same port takes both; what a firewall lets through is TLS, and each URL costs an allocation.
    const scheme = config.tlsCert === undefined ? 'turn' : 'turns';
    const streams = `${scheme}:${host}:${http.port}?transport=tcp`;
    return [`turn:${host}:${relay.portOf(player)}?transport=udp`, streams];
  };
  const { ttlSec } = config.turn;
  const holdMs = config.seatHoldMs;
  const service = new TurnService({ clock, credentials, relay, urls, ttlSec, holdMs });
  return { service, relay };
}

async function openStun(
  config: Config,
  http: ListenAddress,
  clock: Clock,
  logger: ServerLogger,
): Promise<StunListener | undefined> {
  if (config.stun === 'off') return undefined;
  const options = {
    clock,
    perSecond: config.limits.stunPerSecond,
    onError: (error: Error): void => logger.error({ err: error }, 'STUN socket failed'),
  };
  return withFreePort(config, http, ({ host, port }) => StunListener.open(host, port, options));
}

/** Where UDP is heard, as configured; with `same` and a port that nobody asked for, any other will do. */
async function withFreePort<T>(
  { listen, stun }: Config,
  http: ListenAddress,
  open: (address: ListenAddress) => Promise<T>,
): Promise<T> {
  const isSame = stun === 'same' || stun === 'off';
  const address = isSame ? http : addressOf(stun);
  try {
    return await open(address);
  } catch (error) {
    // What TCP had free, UDP may have taken.
    if (!isSame || addressOf(listen).port !== 0) throw error;
    return open({ ...address, port: 0 });
  }
}

/** With a public URL its host; else the address by which this client reached us. */
function iceHost({ publicUrl }: Config, localAddress: string): string {
  if (publicUrl !== undefined) return new URL(publicUrl).hostname;
  return printHost(localAddress.replace(/^::ffff:(?=\d+\.)/i, ''));
}

function addressOf(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (!address) throw new Error(`the schema let ${text} through`);
  return address;
}

/** «All interfaces» is no address to dial. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? 'localhost' : host;
}
