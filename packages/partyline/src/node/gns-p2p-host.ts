import { BlockList, isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { Millis } from '../base/index.ts';
import {
  type GnsConnection,
  type GnsCrypto,
  type GnsEvent,
  type LocalIdentity,
  MessageSessions,
  P2pEndpoint,
  type P2pEndpointOptions,
  type P2pIce,
  type SessionsEvent,
} from '../gns/index.ts';
import type { IceAgent, IceSelectedPair } from '../ice/index.ts';
import type { IdentitySignaling } from '../signaling/index.ts';
import type { ConnectionHost, ConnectionRoute } from './gns-connection.ts';
import type { GnsTap } from './gns-tap.ts';
import { IceHost, type IceHostOptions } from './ice-host.ts';

export interface P2pHostOptions extends P2pEndpointOptions {
  readonly crypto: GnsCrypto;
  readonly local: LocalIdentity;
  readonly signaling: IdentitySignaling;
  readonly ice?: IceHostOptions;
  readonly tap?: GnsTap;
  readonly onEvent: (event: GnsEvent) => void;
  readonly onSessionEvent: (event: SessionsEvent) => void;
}

/** Runs one P2P endpoint: its signals on a signaling, its connections on this machine's ICE. */
export class P2pHost implements ConnectionHost, AsyncDisposable {
  readonly endpoint: P2pEndpoint;
  readonly #options: P2pHostOptions;
  readonly #ice: IceHost;
  readonly #stopListening: () => void;
  #sessions: MessageSessions | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #isScheduled = false;
  #isClosed = false;

  /** @throws NetError `UDP_SOCKET` */
  static async open(options: P2pHostOptions): Promise<P2pHost> {
    const { ice, tap } = options;
    return new P2pHost(options, await IceHost.open({ ...ice, ...(tap && { tap }) }));
  }

  private constructor(options: P2pHostOptions, ice: IceHost) {
    this.#options = options;
    this.#ice = ice;
    const { crypto, local, signaling } = options;
    const setup = { crypto, local, epochMs: performance.timeOrigin, ice: this.#agents() };
    this.endpoint = new P2pEndpoint(setup, options);
    this.#stopListening = signaling.events.on('signal', ({ from, bytes }) => {
      options.tap?.signal?.('in', from ?? '', bytes);
      this.endpoint.handleSignal(this.now(), bytes, from);
      this.schedule();
    });
  }

  /** ISteamNetworkingMessages; from the first use on it listens. */
  get sessions(): MessageSessions {
    this.#sessions ??= new MessageSessions(this.endpoint);
    return this.#sessions;
  }

  now(): Millis {
    return performance.now();
  }

  touch(connection: GnsConnection): void {
    this.endpoint.touch(this.now(), connection);
    this.schedule();
  }

  routeOf(connection: GnsConnection): ConnectionRoute | undefined {
    const pair = this.endpoint.linkOf(connection)?.pair;
    return pair === undefined ? undefined : describeRoute(pair);
  }

  /** What waits is told and sent in this turn of the event loop. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  /** Sends what waits to be sent, then closes the sockets; the signaling is its owner's. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#turn();
      this.#isClosed = true;
      this.#stopListening();
      clearTimeout(this.#timer);
      await new Promise(setImmediate); // what the agents were given leaves with their next turn
    }
    await this.#ice.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #agents(): P2pIce {
    return {
      open: (_now, options, claims) => {
        const agent: IceAgent = this.#ice.openAgent(
          options,
          (event) => {
            this.endpoint.handleIce(this.now(), agent, event);
            this.schedule();
          },
          claims,
        );
        return agent;
      },
      // Every agent that an endpoint touches was opened above.
      touch: (agent) => this.#ice.touch(agent as IceAgent),
    };
  }

  #turn(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    const now = this.now();
    this.endpoint.handleTimeout(now);
    this.#sessions?.handleTimeout(now);
    this.#tell();
    this.endpoint.pump(now);
    for (let s = this.endpoint.pollSignal(); s !== undefined; s = this.endpoint.pollSignal()) {
      this.#options.tap?.signal?.('out', s.to, s.bytes);
      this.#options.signaling.send(s.to, s.bytes);
    }
    this.#tell();
    this.#arm();
  }

  #tell(): void {
    const sessions = this.#sessions;
    for (let e = this.endpoint.pollEvent(); e !== undefined; e = this.endpoint.pollEvent()) {
      if (sessions?.handleEvent(this.now(), e) !== true) this.#options.onEvent(e);
    }
    for (let e = sessions?.pollEvent(); e !== undefined; e = sessions?.pollEvent()) {
      this.#options.onSessionEvent(e);
    }
  }

  /** Timers are moved only to an earlier time: one that fires too early just arms the next. */
  #arm(): void {
    const at = Math.min(
      this.endpoint.pollTimeout() ?? Number.POSITIVE_INFINITY,
      this.#sessions?.pollTimeout() ?? Number.POSITIVE_INFINITY,
    );
    if (this.#isClosed || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#turn();
      },
      Math.max(0, at - this.now()),
    );
    this.#timer.unref(); // sockets keep the process alive, as long as it should be
  }
}

/** GNS `OnConnectionSelected`: local is what was seen on a subnet of ours. */
function describeRoute({ isRelayed, remote, local }: IceSelectedPair): ConnectionRoute {
  const address = { host: remote.host, port: remote.port };
  if (isRelayed) return { type: 'relay', address };
  const isOnLink = remote.type === 'host' || remote.type === 'prflx';
  const isLocal = isOnLink && local.type !== 'relay' && isOnOurSubnets(remote.host);
  return { type: isLocal ? 'local' : 'udp', address };
}

function isOnOurSubnets(host: string): boolean {
  const subnets = new BlockList();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) addSubnet(subnets, address);
  }
  return subnets.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}

function addSubnet(subnets: BlockList, { address, cidr, family }: NetworkInterfaceInfo): void {
  const prefix = Number(cidr?.split('/')[1] ?? Number.NaN);
  if (Number.isInteger(prefix))
    subnets.addSubnet(address, prefix, family === 'IPv6' ? 'ipv6' : 'ipv4');
}
