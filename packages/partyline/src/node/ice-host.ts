import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { type Logger, NetError, silentLogger } from '../base/index.ts';
import {
  type IceAgent,
  type IceAgentOptions,
  type IceEvent,
  type IceLocalCandidate,
  IcePool,
  type IceRoute,
  isMdnsName,
  tryDecodeCandidate,
} from '../ice/index.ts';
import type { StunAddress } from '../stun/index.ts';
import type { TurnTransport } from '../turn/index.ts';
import { nodeCrypto } from './crypto.ts';
import type { GnsTap } from './gns-tap.ts';
import { defaultGateway } from './ice-gateway.ts';
import { type IceInterface, iceInterfaces } from './ice-interfaces.ts';
import { MdnsResolver } from './ice-mdns.ts';
import { IcePortMapping } from './ice-port-mapping.ts';
import { IceRelay, type IceServerUrls } from './ice-relay.ts';
import { IceSocket } from './ice-socket.ts';
import type { OpenTurnOptions } from './turn-client.ts';
import { nodeLegacyCrypto } from './turn-crypto.ts';

export interface IceHostOptions {
  /** STUN and TURN servers. Default none: host candidates only. */
  readonly servers?: readonly IceServerUrls[];
  /** The addresses of this machine to use. Default all but loopback. */
  readonly hosts?: readonly string[];
  /** Default false; GNS never gathers it. */
  readonly includesLoopback?: boolean;
  /** Port of every socket; 0 lets the system choose. Default 0. */
  readonly port?: number;
  /** How often interfaces are looked at, in milliseconds: a new Wi-Fi is found within this. Default 1000. */
  readonly interfacesEveryMs?: number;
  /** Asks the router to map a port to each socket, by PCP or NAT-PMP; on Linux. Default false. */
  readonly mapsPorts?: boolean;
  /** Whom to trust over TLS. Default: Node's authorities. */
  readonly tls?: OpenTurnOptions['tls'];
  /** Looks at every datagram but a relay's own protocol. Default none. */
  readonly tap?: Pick<GnsTap, 'datagram'>;
  /** Default: no logs. */
  readonly logger?: Logger;
}

interface OpenSocket {
  readonly address: StunAddress;
  send(to: StunAddress, bytes: Uint8Array): void;
  close(): void;
}

type Listener = (event: IceEvent) => void;

const DEFAULT_STUN_PORT = 3478;
const INTERFACES_EVERY_MS = 1000;

/**
 * Runs an {@link IcePool} on this machine: a socket on each address, STUN and TURN servers asked in
 * parallel, one allocation for all, one timer. Connections opened here share all of it.
 */
export class IceHost implements AsyncDisposable {
  readonly pool: IcePool;
  readonly #crypto = { ...nodeCrypto, ...nodeLegacyCrypto };
  readonly #options: IceHostOptions;
  readonly #logger: Logger;
  readonly #relay: IceRelay;
  readonly #mdns = new MdnsResolver();
  readonly #sockets = new Map<number, OpenSocket>();
  readonly #relaySockets: { readonly socket: number; readonly isIpv6: boolean }[] = [];
  readonly #listeners = new WeakMap<IceAgent, Listener>();
  #nextSocket = 1;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #interfaceTimer: NodeJS.Timeout | undefined;
  #isTurning = false;
  #isScanning = false;
  #pendingParts = 2;
  #closed: Promise<void> | undefined;

  /** Host candidates are there when it resolves; those of servers follow. @throws NetError `UDP_SOCKET` */
  static async open(options: IceHostOptions = {}): Promise<IceHost> {
    const host = new IceHost(options);
    await host.#scan();
    host.#askServers();
    return host;
  }

  private constructor(options: IceHostOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.pool = new IcePool(this.#crypto);
    this.#relay = new IceRelay(
      options.servers ?? [],
      {
        onOpened: (relayed, transport, server) => this.#addRelay(relayed, transport, server),
        onReceive: (bytes, from) => this.#receiveRelayed(from, bytes),
        onLost: (error) => this.#removeRelay(error),
        onSettled: () => this.#finishPart(),
      },
      { logger: this.#logger, tls: options.tls },
    );
    this.#interfaceTimer = setInterval(
      () => void this.#scan(),
      options.interfacesEveryMs ?? INTERFACES_EVERY_MS,
    );
    this.#interfaceTimer.unref();
  }

  now(): number {
    return performance.now();
  }

  /** Local addresses that sockets are open on. */
  get addresses(): readonly string[] {
    return [...this.#sockets.values()].map(({ address }) => address.host);
  }

  /**
   * An agent on this host's sockets. The listener is called with each of its events, synchronously.
   * `claims` as in {@link IcePool.openAgent}. @throws NetError `OPTIONS_INVALID`
   */
  openAgent(
    options: Omit<IceAgentOptions, 'crypto'>,
    listener: Listener,
    claims?: (bytes: Uint8Array) => boolean,
  ): IceAgent {
    if (this.#closed !== undefined) throw new NetError('SESSION_CLOSED', 'the host is closed');
    const agent = this.pool.openAgent(this.now(), { ...options, crypto: this.#crypto }, claims);
    this.#listeners.set(agent, listener);
    this.schedule();
    return agent;
  }

  /** Call after touching an agent: what it has to send leaves, and its events are told. */
  touch(agent: IceAgent): void {
    this.pool.touch(agent);
    this.schedule();
  }

  /**
   * As the agent's method, for candidates whose address may be a name of mDNS, as browsers tell them:
   * that one is added once somebody on the network answers for it.
   */
  addRemoteCandidate(agent: IceAgent, text: string): void {
    const candidate = tryDecodeCandidate(text);
    if (candidate !== undefined && isMdnsName(candidate.host)) {
      void this.#mdns.resolve(candidate.host, this.addresses).then((hosts) => {
        if (this.#closed !== undefined) return;
        for (const host of hosts) {
          agent.addRemoteCandidate(this.now(), { ...candidate, host });
        }
        this.touch(agent);
      });
      return;
    }
    agent.addRemoteCandidate(this.now(), text);
    this.touch(agent);
  }

  /** A turn of the loop soon, not at once: a listener may be what calls. */
  schedule(): void {
    if (this.#isTurning || this.#closed !== undefined) return;
    this.#isTurning = true;
    queueMicrotask(() => this.#turn());
  }

  /** Ends all agents, tells the relay, closes the sockets. Safe to call twice. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.pool.close(this.now());
      this.#turn();
      this.#closed = this.#close();
    }
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#interfaceTimer);
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
    this.#mdns.close();
    await this.#relay.close();
  }

  // The pool's turns.

  #turn(): void {
    this.#isTurning = false;
    if (this.#closed !== undefined) return;
    const at = this.pool.pollTimeout();
    if (at !== undefined && at <= this.now()) this.pool.handleTimeout(this.now());
    for (let t = this.pool.pollTransmit(); t !== undefined; t = this.pool.pollTransmit()) {
      this.#send(t.to, t.bytes);
    }
    for (let e = this.pool.pollEvent(); e !== undefined; e = this.pool.pollEvent()) {
      if (e.type === 'doubtful') this.#relay.verify();
      else this.#tell(e.agent);
    }
    this.#arm();
  }

  #tell(agent: IceAgent): void {
    const listener = this.#listeners.get(agent);
    for (let event = agent.pollEvent(); event !== undefined; event = agent.pollEvent()) {
      listener?.(event);
    }
  }

  #send(to: IceRoute, bytes: Uint8Array): void {
    const opened = this.#sockets.get(to.socket);
    if (opened === undefined) return;
    this.#options.tap?.datagram('out', opened.address, to, bytes);
    opened.send(to, bytes);
  }

  #receive(route: IceRoute, bytes: Uint8Array): void {
    const opened = this.#sockets.get(route.socket);
    if (this.#closed !== undefined || opened === undefined) return;
    this.#options.tap?.datagram('in', opened.address, route, bytes);
    this.pool.handleDatagram(this.now(), route, bytes);
    this.#turn();
  }

  /** Timers are moved only to an earlier time: one that fires too early just arms the next. */
  #arm(): void {
    const at = this.pool.pollTimeout() ?? Number.POSITIVE_INFINITY;
    if (this.#closed !== undefined || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#turn();
      },
      Math.max(0, at - this.now()),
    );
    this.#timer.unref(); // sockets keep the process alive
  }

  // Sockets of this machine.

  async #scan(): Promise<void> {
    if (this.#isScanning || this.#closed !== undefined) return;
    this.#isScanning = true;
    const wanted = iceInterfaces(this.#options);
    const kept = new Set(wanted.map(({ host }) => host));
    for (const [socket, opened] of this.#sockets) {
      const isRelay = this.#relaySockets.some((relay) => relay.socket === socket);
      if (!isRelay && !kept.has(opened.address.host)) this.#removeSocket(socket, opened);
    }
    const known = new Set(this.addresses);
    await Promise.all(wanted.filter(({ host }) => !known.has(host)).map((one) => this.#bind(one)));
    this.#isScanning = false;
    this.schedule();
  }

  async #bind({ host, preference, name }: IceInterface): Promise<void> {
    const socket = this.#nextSocket++;
    let mapping: IcePortMapping | undefined;
    try {
      const opened = await IceSocket.open(host, this.#options.port ?? 0, {
        onReceive: (from, bytes) => {
          if (mapping?.handleDatagram(from, bytes)) return;
          this.#receive({ socket, ...from }, bytes);
        },
        onError: (error) => {
          this.#logger.debug({ err: error, interface: name }, 'udp socket error');
        },
      });
      if (this.#closed !== undefined) {
        opened.close();
        return;
      }
      const { address } = opened;
      this.#addSocket(
        { type: 'host', address, socket, interfacePreference: preference },
        {
          address,
          send: (to, bytes) => opened.send(to, bytes),
          close: () => {
            mapping?.close();
            opened.close();
          },
        },
      );
      mapping = this.#mapPort(opened, socket, name);
    } catch (error) {
      // An address may be gone, or not yet usable: it is tried again with the next look.
      this.#logger.debug({ err: error, interface: name }, 'no socket on this address');
    }
  }

  #mapPort(opened: IceSocket, socket: number, name: string): IcePortMapping | undefined {
    const gateway = this.#options.mapsPorts === true ? defaultGateway() : undefined;
    if (gateway?.name !== name || isIPv6(opened.address.host)) return undefined;
    return new IcePortMapping(gateway.host, opened.address, {
      send: (to, bytes) => opened.send(to, bytes),
      onMapped: (external) => {
        this.pool.addMapping(this.now(), socket, external, gateway.host);
        this.schedule();
      },
    });
  }

  #addSocket(candidate: IceLocalCandidate, opened: OpenSocket): void {
    this.#sockets.set(candidate.socket, opened);
    this.pool.addSocket(this.now(), candidate);
    this.schedule();
  }

  #removeSocket(socket: number, opened: OpenSocket): void {
    opened.close();
    this.#sockets.delete(socket);
    this.pool.removeSocket(this.now(), socket);
    this.schedule();
  }

  // Servers.

  #askServers(): void {
    this.#relay.open();
    const urls = (this.#options.servers ?? []).flatMap((server) => [server.urls].flat());
    const stun = urls.flatMap((url) => stunEndpoint(url) ?? []);
    void Promise.all(stun.map((server) => this.#addStunServer(server))).then(() =>
      this.#finishPart(),
    );
  }

  async #addStunServer({ host, port }: StunAddress): Promise<void> {
    try {
      const found = isIP(host) ? [{ address: host }] : await lookup(host, { all: true });
      for (const { address } of found) this.pool.addStunServer(this.now(), { host: address, port });
      this.schedule();
    } catch (error) {
      this.#logger.warn({ err: error, server: host }, 'the STUN server has no address');
    }
  }

  /** STUN names are resolved and the relay has answered, or never will: then nothing else is opened. */
  #finishPart(): void {
    this.#pendingParts -= 1;
    if (this.#pendingParts > 0 || this.#closed !== undefined) return;
    this.pool.endOfSockets(this.now());
    this.schedule();
  }

  #addRelay(relayed: readonly StunAddress[], transport: TurnTransport, server: string): void {
    if (this.#closed !== undefined) return;
    for (const address of relayed) {
      const socket = this.#nextSocket++;
      this.#relaySockets.push({ socket, isIpv6: address.host.includes(':') });
      const relayTransport = transport === 'wss' ? 'ws' : transport;
      this.#addSocket(
        { type: 'relay', address, socket, server, relayTransport },
        {
          address,
          send: (to, bytes) => this.#relay.send(to, bytes),
          close: () => {},
        },
      );
    }
  }

  #removeRelay(error: NetError): void {
    this.#logger.warn({ err: error }, 'the relay is lost');
    for (const { socket } of this.#relaySockets.splice(0)) {
      const opened = this.#sockets.get(socket);
      if (opened !== undefined) this.#removeSocket(socket, opened);
    }
  }

  #receiveRelayed(from: StunAddress, bytes: Uint8Array): void {
    const isIpv6 = from.host.includes(':');
    const relay = this.#relaySockets.find((candidate) => candidate.isIpv6 === isIpv6);
    // The TURN client uses its memory again.
    if (relay !== undefined) this.#receive({ socket: relay.socket, ...from }, bytes.slice());
  }
}

/** `stun:HOST[:PORT]`; a TURN server reached by UDP answers Binding requests too. */
function stunEndpoint(url: string): StunAddress | undefined {
  const match =
    /^stun:(\[[0-9a-f:.]+\]|[^:?/#[\]@\s]+)(?::(\d{1,5}))?$/i.exec(url) ??
    /^turn:(\[[0-9a-f:.]+\]|[^:?/#[\]@\s]+)(?::(\d{1,5}))?(?:\?transport=udp)?$/i.exec(url);
  const host = match?.[1]?.replace(/^\[|\]$/g, '');
  if (host === undefined) return undefined;
  return { host, port: Number(match?.[2] ?? DEFAULT_STUN_PORT) };
}
