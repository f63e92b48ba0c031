import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { parseArgs } from 'node:util';
import { AddressFamily } from 'partyline/protocol/turn';
import { parseCidr, type RelayAddress, type TurnLimits } from 'partyline/protocol/turn-server';
import {
  ConfigError,
  defaultRelayPorts,
  type ListenAddress,
  parseListenAddress,
  readTlsFiles,
  type TlsFiles,
} from '../config/index.ts';
import type { DiscoveryAddresses } from '../relay/index.ts';

/** RFC 8656 §19.1. */
const defaultListen = '0.0.0.0:3478';

const defaultDiscoveryPort = 3479;

/** What `partyline relay` runs on. */
export interface RelaySettings {
  readonly listen: readonly ListenAddress[];
  readonly relays: readonly RelayAddress[];
  readonly users: ReadonlyMap<string, string>;
  readonly secret: string | undefined;
  readonly realm: string | undefined;
  readonly allowPeers: readonly string[];
  readonly denyPeers: readonly string[];
  readonly ports: { readonly min: number; readonly max: number };
  readonly limits: Partial<TurnLimits>;
  readonly tls: TlsFiles | undefined;
  /** Two addresses and two ports, for behaviour discovery. */
  readonly discovery: DiscoveryAddresses | undefined;
  /** Processes that relay; 0: this one. */
  readonly workers: number;
  /** Where the operator is answered; `undefined`: nowhere. */
  readonly operator: { readonly listen: string; readonly token: string | undefined } | undefined;
}

/** More than any machine has cores; each is a process. */
const MAX_WORKERS = 64;

const flags = {
  listen: { type: 'string', multiple: true },
  'relay-address': { type: 'string', multiple: true },
  user: { type: 'string', multiple: true },
  secret: { type: 'string' },
  realm: { type: 'string' },
  'allow-peer': { type: 'string', multiple: true },
  'deny-peer': { type: 'string', multiple: true },
  'port-range': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'discovery-address': { type: 'string', multiple: true },
  'discovery-port': { type: 'string' },
  workers: { type: 'string' },
  operator: { type: 'string' },
  'operator-token': { type: 'string' },
  limits: { type: 'string' },
} as const;

export const relayHelpText: string = `partyline relay [options]

STUN and TURN (RFC 8489, RFC 8656) by UDP, TCP and TLS, without the rest of the server.

  --listen HOST:PORT          again for more addresses (default ${defaultListen})
  --relay-address IP[=IP]     where peers are sent from; behind a NAT PUBLIC=OWN. One of each family.
                              (default: the listening address, else the first one of this machine)
  --user NAME:PASSWORD        somebody who may use it; again for more (PARTYLINE_TURN_USERS, by commas)
  --secret S                  and who brings a username that is signed with S, as coturn's
                              use-auth-secret has it (PARTYLINE_TURN_SECRET)
  --realm R                   (default partyline)
  --allow-peer CIDR           opens a private range to peers, for a LAN; again for more
  --deny-peer CIDR            closes a range, whatever is allowed; again for more
  --port-range A-B            of relayed addresses (default ${defaultRelayPorts.min}-${defaultRelayPorts.max})
  --tls-cert FILE             with --tls-key: TLS on the same port as TCP; read again on SIGHUP
  --tls-key FILE
  --discovery-address IP[=IP] given twice: tells clients how their NAT behaves (RFC 5780), which takes
                              two addresses of this machine; behind a NAT PUBLIC=OWN
  --discovery-port N          and two ports of each, this and the next (default ${defaultDiscoveryPort})
  --workers N                 processes, for more cores; worker 2 listens on the next port, and so on
  --operator HOST:PORT        the operator's HTTP: /metrics for Prometheus, /turn/usage, kicks
  --operator-token T          asked for there; without it loopback alone (PARTYLINE_OPERATOR_TOKEN)
  --limits JSON               as {"allocationsPerPlayer": 12}; docs/relay.md has them all`;

/** @throws ConfigError with what to change */
export function readRelaySettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): RelaySettings {
  const values = parse(args);
  const listen = (values.listen ?? [defaultListen]).map(requireListen);
  const users = [...(values.user ?? []), ...(env.PARTYLINE_TURN_USERS?.split(',') ?? [])];
  const secret = values.secret ?? env.PARTYLINE_TURN_SECRET;
  if (users.length === 0 && !secret) {
    throw new ConfigError('Nobody could use this relay: give --user NAME:PASSWORD or --secret S.');
  }
  const ports = readPorts(values['port-range']);
  const workers = readWorkers(values.workers);
  for (const { port } of listen) {
    const last = port + Math.max(1, workers) - 1;
    if (last > 0xffff) throw new ConfigError(`--workers: there is no port ${last}.`);
    if (last >= ports.min && port <= ports.max) {
      throw new ConfigError(`--port-range must not hold ${port}, which is listened on.`);
    }
  }
  const ranges = [...(values['allow-peer'] ?? []), ...(values['deny-peer'] ?? [])];
  for (const text of ranges) {
    if (!parseCidr(text)) throw new ConfigError(`«${text}» is no range, as in 10.0.0.0/8.`);
  }
  return {
    listen,
    relays: values['relay-address']?.map(readRelay) ?? defaultRelays(listen),
    users: new Map(users.map(readUser)),
    secret,
    realm: values.realm,
    allowPeers: values['allow-peer'] ?? [],
    denyPeers: values['deny-peer'] ?? [],
    ports,
    workers,
    operator: readOperator(
      values.operator ?? env.PARTYLINE_OPERATOR,
      values['operator-token'] ?? env.PARTYLINE_OPERATOR_TOKEN,
    ),
    limits: readLimits(values.limits),
    tls: readTlsFiles(values['tls-cert'], values['tls-key']),
    discovery: readDiscovery(values['discovery-address'] ?? [], values['discovery-port'], [
      ...listen.map(({ port }) => port),
      ports,
    ]),
  };
}

/** Addresses of this machine's networks, without zones. */
export function ownHosts(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses
    .filter(({ internal }) => !internal)
    .map(({ address }) => address.replace(/%.*/, ''));
}

/**
 * A relayed address for each family that is listened on: the listening address itself; for «all
 * addresses» the first one that others can reach.
 */
export function defaultRelays(listen: readonly ListenAddress[]): RelayAddress[] {
  const relays = new Map<number, RelayAddress>();
  for (const { host } of listen) {
    const family = isIPv6(host) ? AddressFamily.Ipv6 : AddressFamily.Ipv4;
    const isAny = host === '0.0.0.0' || host === '::';
    const own = isAny ? ownHosts().find((address) => isUsable(address, family)) : host;
    const bindHost = own ?? (family === AddressFamily.Ipv6 ? '::1' : '127.0.0.1');
    if (!relays.has(family)) relays.set(family, { family, bindHost, host: bindHost });
  }
  return [...relays.values()];
}

function isUsable(address: string, family: AddressFamily): boolean {
  return isIPv6(address) === (family === AddressFamily.Ipv6) && !/^fe[89ab]/i.test(address);
}

function parse(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'] {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true }).values;
  } catch (error) {
    const said = error instanceof Error ? error.message.split('. To specify')[0] : String(error);
    throw new ConfigError(`${said}. Try --help.`);
  }
}

function requireListen(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (!address) throw new ConfigError(`--listen: HOST:PORT, not «${text}».`);
  return address;
}

/** `IP`, or `PUBLIC=OWN`. @throws ConfigError */
export function readRelay(text: string): RelayAddress {
  const [host = '', bindHost = host] = text.split('=');
  const families = [host, bindHost].map((ip) => parseCidr(ip)?.ip.length);
  if (families[0] === undefined || families[0] !== families[1] || text.includes('/')) {
    throw new ConfigError(`A relay address is an IP address, or PUBLIC=OWN, not «${text}».`);
  }
  const family = families[0] === 4 ? AddressFamily.Ipv4 : AddressFamily.Ipv6;
  return { family, host, bindHost };
}

/** @throws ConfigError when there are not two of one family, or a port is taken. */
function readDiscovery(
  texts: readonly string[],
  portText: string | undefined,
  taken: readonly (number | { readonly min: number; readonly max: number })[],
): DiscoveryAddresses | undefined {
  if (texts.length === 0 && portText === undefined) return undefined;
  const [first, second, ...more] = texts.map(readRelay);
  if (!first || !second || more.length > 0 || first.family !== second.family) {
    throw new ConfigError('--discovery-address: give two of one family.');
  }
  if (first.bindHost === second.bindHost || first.host === second.host) {
    throw new ConfigError('--discovery-address: the two must differ.');
  }
  const port = Number(portText ?? defaultDiscoveryPort);
  if (!(Number.isInteger(port) && port >= 1 && port < 0xffff)) {
    throw new ConfigError(`--discovery-port: 1 to 65534, not «${portText}».`);
  }
  for (const other of taken) {
    const { min, max } = typeof other === 'number' ? { min: other, max: other } : other;
    if (port + 1 >= min && port <= max) {
      throw new ConfigError(`--discovery-port: ${port} or ${port + 1} is in use already.`);
    }
  }
  return { addresses: [first, second], ports: [port, port + 1] };
}

/** The text is not quoted in errors: it holds a password. */
function readUser(text: string): [string, string] {
  const at = text.indexOf(':');
  if (at < 1 || at === text.length - 1) throw new ConfigError('--user: NAME:PASSWORD.');
  return [text.slice(0, at), text.slice(at + 1)];
}

function readPorts(text: string | undefined): { min: number; max: number } {
  if (text === undefined) return defaultRelayPorts;
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [min, max] = [Number(match?.[1]), Number(match?.[2])];
  if (!(min >= 1 && min <= max && max <= 0xffff)) {
    throw new ConfigError(`--port-range: two ports, as in 49160-49559, not «${text}».`);
  }
  return { min, max };
}

function readOperator(
  listen: string | undefined,
  token: string | undefined,
): RelaySettings['operator'] {
  return listen === undefined || listen === 'off' ? undefined : { listen, token };
}

/** One worker is this process. */
function readWorkers(text: string | undefined): number {
  const count = Number(text ?? 1);
  if (!/^\d{1,2}$/.test(text ?? '1') || count < 1 || count > MAX_WORKERS) {
    throw new ConfigError(`--workers: 1 to ${MAX_WORKERS}, not «${text}».`);
  }
  return count === 1 ? 0 : count;
}

function readLimits(text: string | undefined): Partial<TurnLimits> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new ConfigError('--limits: a JSON object, as {"allocationsPerPlayer": 12}.');
}
