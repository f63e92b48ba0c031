import { NetError, parseIp, printIp } from '../../base/index.ts';
import { AddressFamily } from '../index.ts';
import { type Cidr, parseCidr } from './cidr.ts';

/** Whom a username belongs to. */
export interface TurnAccount {
  /** Quotas count by it, and {@link TurnServer.revoke} ends by it: the same for all usernames of a player. */
  readonly player: string;
  /** What ends an allocation when it ends; more than one may be a player's. */
  readonly session?: string;
  readonly password: string;
}

/** Where relay ports are opened, and what peers see of it. */
export interface RelayAddress {
  readonly family: AddressFamily;
  /** An address of this machine. */
  readonly bindHost: string;
  /** What the outside sends to: differs from `bindHost` behind a NAT. */
  readonly host: string;
}

/** Every number that bounds what clients can make the server keep or do. */
export interface TurnLimits {
  /** Of one player. Default 12. */
  readonly allocationsPerPlayer: number;
  /** Of one client address (an IPv6 /64). Default 100. */
  readonly allocationsPerAddress: number;
  /** Peer addresses of one allocation. Default 64. */
  readonly permissionsPerAllocation: number;
  /** Default 64. */
  readonly channelsPerAllocation: number;
  /** Both directions of all allocations of a player. Default 2 MiB. */
  readonly bytesPerSecondPerPlayer: number;
  /** Both directions of all allocations of a client address. Default 16 MiB. */
  readonly bytesPerSecondPerAddress: number;
  /** Answers without authentication (401, 438, 400) to one address. Default 20, twice that at once. */
  readonly challengesPerSecond: number;
  /** Binding answers to one address. Default 20, all of them at once. */
  readonly bindingsPerSecond: number;
  /** Lifetime that clients get who ask for less or nothing. Default 600: RFC 8656 §3.2. */
  readonly defaultLifetimeSec: number;
  /** Default 3600. */
  readonly maxLifetimeSec: number;
  /** Default 300: RFC 8656 §9. */
  readonly permissionSec: number;
  /** Default 600: RFC 8656 §12. */
  readonly channelSec: number;
  /** How long a nonce is taken. Default 3600: RFC 8656 §5. */
  readonly nonceSec: number;
  /** How long a freed port has no owner, so that nobody gets what was sent to the one before. Default 30. */
  readonly portRestSec: number;
  /** How long the second port of an EVEN-PORT request is kept. Default 30: RFC 8656 §7.2. */
  readonly reservationSec: number;
  /** Largest datagram that leaves in one piece, for DONT-FRAGMENT. Default 1500. */
  readonly mtuBytes: number;
}

export const turnLimitDefaults: TurnLimits = Object.freeze({
  allocationsPerPlayer: 12,
  allocationsPerAddress: 100,
  permissionsPerAllocation: 64,
  channelsPerAllocation: 64,
  bytesPerSecondPerPlayer: 2_097_152,
  bytesPerSecondPerAddress: 16_777_216,
  challengesPerSecond: 20,
  bindingsPerSecond: 20,
  defaultLifetimeSec: 600,
  maxLifetimeSec: 3600,
  permissionSec: 300,
  channelSec: 600,
  nonceSec: 3600,
  portRestSec: 30,
  reservationSec: 30,
  mtuBytes: 1500,
});

export interface TurnServerOptions {
  /** Shown to everybody who knocks: keep it short. Default `partyline`. */
  readonly realm?: string;
  /** Who that is, or `undefined` for nobody (any more). Called for requests that a live allocation does not vouch for. */
  readonly accountOf: (username: string) => TurnAccount | undefined;
  /** At most one of each family. */
  readonly relays: readonly RelayAddress[];
  /** Ports of relayed addresses, both included; no listener of this machine may be in it. */
  readonly ports: { readonly min: number; readonly max: number };
  /** `a.b.c.d/n`: opens what is denied by default, where it is at least as narrow. Default: none. */
  readonly allowPeers?: readonly string[];
  /** Stronger than everything else. Default: none. */
  readonly denyPeers?: readonly string[];
  /** Addresses of this machine: denied but for relayed addresses in use. */
  readonly ownHosts?: readonly string[];
  /** Ports that this machine listens on: no peer has them on a local address, no relayed address gets them. May grow. */
  readonly ownPorts?: ReadonlySet<number>;
  readonly limits?: Partial<TurnLimits>;
  /**
   * The whole range that `ports` is a part of, where siblings relay from the same addresses: what is
   * for one of their ports is given to the shell as a sibling's frame. Default: `ports`, and no siblings.
   */
  readonly siblingPorts?: PortRange;
  /** Told what a player (`player`) or client address (`address`) has here now, for siblings to count. */
  readonly onShare?: (kind: ShareKind, name: string, allocations: number) => void;
}

/** Both included. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** What quotas are counted by. */
export type ShareKind = 'player' | 'address';

export interface ResolvedTurnOptions
  extends Omit<Required<TurnServerOptions>, 'allowPeers' | 'denyPeers' | 'limits'> {
  readonly allowPeers: readonly Cidr[];
  readonly denyPeers: readonly Cidr[];
  readonly limits: TurnLimits;
}

/** @throws NetError `OPTIONS_INVALID`, naming the option and what it takes. */
export function resolveTurnServerOptions(options: TurnServerOptions): ResolvedTurnOptions {
  const limits = { ...turnLimitDefaults, ...options.limits };
  for (const [name, value] of Object.entries(limits)) {
    const isCount = Number.isFinite(value) && value >= (name === 'portRestSec' ? 0 : 1);
    if (!isCount) throw invalid(`limits.${name} must be 1 or more, not ${value}`);
  }
  const { min, max } = options.ports;
  if (
    !(Number.isInteger(min) && Number.isInteger(max) && min >= 1 && max <= 0xffff && min <= max)
  ) {
    throw invalid(`ports must be two port numbers, not ${min} to ${max}`);
  }
  for (const port of options.ownPorts ?? []) {
    if (port >= min && port <= max)
      throw invalid(`ports may not hold ${port}, which is listened on`);
  }
  if (options.relays.length === 0) throw invalid('relays must name an address');
  const realm = options.realm ?? 'partyline';
  if (realm === '' || realm.length > 127) throw invalid('realm must have 1 to 127 letters');
  return {
    ...options,
    relays: options.relays.map(requireRelay),
    realm,
    allowPeers: (options.allowPeers ?? []).map(requireCidr),
    denyPeers: (options.denyPeers ?? []).map(requireCidr),
    ownHosts: options.ownHosts ?? [],
    ownPorts: options.ownPorts ?? new Set(),
    siblingPorts: options.siblingPorts ?? options.ports,
    onShare: options.onShare ?? (() => {}),
    limits,
  };
}

/** Hosts in one spelling: they are compared as text with what sockets report. */
function requireRelay({ family, bindHost, host }: RelayAddress): RelayAddress {
  const [bind, seen] = [bindHost, host].map((text) => {
    const ip = parseIp(text);
    if (!ip || familyOf(ip) !== family)
      throw invalid(`«${text}» is no address of family ${family}`);
    return printIp(ip);
  });
  return { family, bindHost: bind ?? bindHost, host: seen ?? host };
}

function requireCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw invalid(`«${text}» is no address range, as in 10.0.0.0/8`);
  return cidr;
}

function invalid(message: string): NetError {
  return new NetError('OPTIONS_INVALID', message);
}

/** RFC 8656 §18.6, from 4 or 16 bytes. */
export function familyOf(ip: Uint8Array): AddressFamily {
  return ip.length === 4 ? AddressFamily.Ipv4 : AddressFamily.Ipv6;
}
