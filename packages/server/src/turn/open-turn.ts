import { isIP } from 'node:net';
import { type Clock, randomText } from '../base/index.ts';
import { type Config, ConfigError, type ListenAddress } from '../config/index.ts';
import { RelayGroup } from './relay-group.ts';
import { defaultRelays, ownHosts, readRelay } from './relay-settings.ts';
import { TurnCredentials } from './turn-credentials.ts';

export interface OpenedTurn {
  readonly credentials: TurnCredentials;
  /** Absent: another program is the relay. */
  readonly relay: RelayGroup | undefined;
}

/**
 * The relay of `serve`, as configured; `undefined` when it is off. It hears UDP at `udp`; TCP comes by
 * the API's port. @throws ConfigError, or the system's error
 */
export async function openTurn(
  config: Config,
  udp: ListenAddress,
  apiPort: number,
  tools: { readonly clock: Clock; onError(error: Error): void; report(message: string): void },
): Promise<OpenedTurn | undefined> {
  const { turn, stun, dev, limits } = config;
  if (!turn.enabled || (stun === 'off' && turn.urls.length === 0)) return undefined;
  const { clock, onError, report } = tools;
  const secret = turn.secret ?? randomText(32);
  // A secret of ours alone signs for open sessions only; one that is shared may be used by others too.
  const isSessionBound = turn.secret === undefined;
  const credentials = new TurnCredentials(clock, { secret, isSessionBound });
  if (turn.urls.length > 0) return { credentials, relay: undefined };
  const host = isIP(udp.host) ? udp.host : '127.0.0.1';
  // `::` is both families to HTTP; a UDP socket here is of one.
  const hosts = host === '::' ? ['::', '0.0.0.0'] : [host];
  const listen = hosts.map((address) => ({ host: address, port: udp.port }));
  const relays = turn.addresses.length > 0 ? turn.addresses.map(readRelay) : defaultRelays(listen);
  const lastPort = udp.port + Math.max(1, turn.workers) - 1;
  if (lastPort >= turn.ports.min && udp.port <= turn.ports.max) {
    throw new ConfigError(`turn.ports must not hold ${udp.port}, which is listened on.`);
  }
  const relay = await RelayGroup.open({
    ...{ clock, credentials, secret, isSessionBound, users: new Map(), listen, onError, report },
    tcp: 'none',
    tls: undefined,
    ownPorts: [apiPort],
    workers: turn.workers,
    takesStreams: true,
    ports: turn.ports,
    rules: {
      realm: turn.realm,
      relays,
      allowPeers: [...turn.allowPeers, ...(dev ? localPeers(host) : [])],
      denyPeers: turn.denyPeers,
      ownHosts: ownHosts(),
      limits: { ...turn.limits, bindingsPerSecond: limits.stunPerSecond },
    },
  });
  return { credentials, relay };
}

/** With `--dev`: this machine alone, and only while it is the one that is listened on. */
function localPeers(host: string): string[] {
  if (host === '127.0.0.1' || host === '::1') return ['127.0.0.1/32', '::1/128'];
  return ownHosts().includes(host) ? [host] : [];
}
