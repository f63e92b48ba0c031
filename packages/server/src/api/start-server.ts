import type { AddressInfo, Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { openApps } from '../app/index.ts';
import { type Clock, KeepAlive, KeyedBuckets, systemClock } from '../base/index.ts';
import {
  type Config,
  ConfigError,
  type ConfigInput,
  configSchema,
  parseListenAddress,
  printHost,
  readTlsFiles,
} from '../config/index.ts';
import { checkTokenKeys, KnownOrigins, Sessions } from '../identity/index.ts';
import { Lobbies } from '../lobby/index.ts';
import { RelayHub, RelayTickets, type StunListener } from '../relay/index.ts';
import { SignalRouter, TrivialListener } from '../rendezvous/index.ts';
import { MemoryStore, type Store } from '../store/index.ts';
import { type RelayGroup, sharePort, type TurnRelay } from '../turn/index.ts';
import { createHttp } from './http.ts';
import { createLogger, type ServerLogger } from './logger.ts';
import { Metrics } from './metrics.ts';
import { addressOf, iceHost, type OpenTurn, openStun, openTurnService } from './open-ice.ts';
import { type OperatorHttp, openOperatorHttp } from './operator-http.ts';
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
  /** Relayed addresses of TURN, which answers on its own ports and on HTTP's; empty when it is off. */
  readonly relayHosts: readonly string[];
  /** Of TURN by UDP: STUN's, and one more for each further worker. */
  readonly turnPorts: readonly number[];
  /**
   * Reads the certificate again; connections that are open are not touched. False without TLS.
   * @throws ConfigError, and the old one stays
   */
  reloadTls(): boolean;
  /** Of the operator's HTTP; `undefined` when it is off. */
  readonly operatorPort: number | undefined;
  /** Of GNS's trivial signaling; `undefined` when it is off. */
  readonly gnsSignalingPort: number | undefined;
  /** Tries every way to the relay that this machine has; what came of it in words. Empty without one. */
  selfTest(signal?: AbortSignal): Promise<string[]>;
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
  let operator: OperatorHttp | undefined;
  let gnsSignaling: TrivialListener | undefined;
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
    const opened = [http, operator, gnsSignaling, stun, turn?.service];
    await Promise.all(opened.map((one) => one?.close()));
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
    const ice = { stun, turn: turnRelay };
    const stats = (): ServerStats => serverStats(services, door, ice);
    operator = await openOperator(services, door, stats);
    gnsSignaling = await openGnsSignaling(config, clock);
    const server: PartylineServer = {
      ...running(services, http.server, ice, close),
      operatorPort: operator?.port,
      gnsSignalingPort: gnsSignaling?.port,
      selfTest: async (signal = new AbortController().signal) =>
        (await turn?.selfTest(signal)) ?? [],
      stats,
    };
    const { url, stunPort, gnsSignalingPort } = server;
    logger.info({ url, stunPort, gnsSignalingPort, apps: [...apps.keys()] }, 'serving');
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

/** GNS's trivial signaling, as configured; `undefined` when it is off. */
async function openGnsSignaling(
  { gnsSignaling }: Config,
  clock: Clock,
): Promise<TrivialListener | undefined> {
  const address = parseListenAddress(gnsSignaling, '127.0.0.1');
  if (gnsSignaling === 'off' || address === undefined) return undefined;
  return TrivialListener.open(address.host, address.port, { clock });
}

/** The operator's HTTP, as configured; `undefined` when it is off. */
async function openOperator(
  { config, turn }: Services,
  door: SocketDoor,
  stats: () => ServerStats,
): Promise<OperatorHttp | undefined> {
  if (config.operator === 'off') return undefined;
  const options = { listen: config.operator, token: config.operatorToken };
  return openOperatorHttp(options, {
    metrics: new Metrics({ turn: () => stats().turn, server: stats }),
    usage: async () => (await turn()?.usage()) ?? [],
    kick: async (player) => {
      const sessions = await door.kick(player);
      turn()?.endPlayer(player);
      return sessions;
    },
  });
}

function running(
  services: Services,
  server: Server,
  ice: { readonly stun: StunListener | undefined; readonly turn: RelayGroup | undefined },
  close: () => Promise<void>,
): Omit<PartylineServer, 'operatorPort' | 'gnsSignalingPort' | 'selfTest' | 'stats'> {
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
    turnPorts: ice.turn?.ports ?? [],
    reloadTls: () => {
      const files = readTlsFiles(config.tlsCert, config.tlsKey);
      if (!files || !(server instanceof TlsServer)) return false;
      server.setSecureContext(files);
      return true;
    },
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

/** «All interfaces» is no address to dial. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? 'localhost' : host;
}
