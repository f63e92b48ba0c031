import { parseIp } from '../base/index.ts';
import type { StunAddress } from '../stun/index.ts';
import type { IceDialect, IcePolicy } from './agent-options.ts';

/** RFC 8445 §5.1.1: on an interface, seen by a STUN server, seen by the other side, lent by a relay. */
export type IceCandidateType = 'host' | 'srflx' | 'prflx' | 'relay';

/** RFC 8445 §5.1, for UDP. */
export interface IceCandidate {
  readonly type: IceCandidateType;
  /** A numeric address, or an mDNS name of the other side's that the shell has to resolve. */
  readonly host: string;
  readonly port: number;
  /** RFC 8445 §5.1.2. */
  readonly priority: number;
  /** RFC 8445 §5.1.1.3. */
  readonly foundation: string;
  /** 1; GNS has 0. */
  readonly component: number;
  /** The address it was made from; for people only. */
  readonly related?: StunAddress | undefined;
}

/** How a relay is reached; the first is the best. */
export const relayTransports = ['udp', 'tcp', 'tls', 'ws'] as const;
export type IceRelayTransport = (typeof relayTransports)[number];

/** A candidate of ours, as the driver or the pool gives it to the agent. */
export interface IceLocalCandidate {
  readonly type: Exclude<IceCandidateType, 'prflx'>;
  /** The address to be told to the other side. */
  readonly address: StunAddress;
  /** Address of the socket it is sent from; a relay's is the relayed address. Default `address`. */
  readonly base?: StunAddress;
  /** Chosen by the driver; `srflx` has that of the host candidate it was learned from. */
  readonly socket: number;
  /** The relay or STUN server it was learned from: part of the foundation. Default none. */
  readonly server?: string;
  /** Default `udp`. */
  readonly relayTransport?: IceRelayTransport;
  /** 0 to 255: which interface is better. Default 255. */
  readonly interfacePreference?: number;
}

/** RFC 8445 §5.1.2.2, recommended values. */
export const typePreference: Readonly<Record<IceCandidateType, number>> = Object.freeze({
  host: 126,
  prflx: 110,
  srflx: 100,
  relay: 0,
});

/**
 * RFC 8445 §5.1.2.1. The component's part is 255 in either dialect: GNS numbers its component 0, and
 * still writes the priority of component 1 (`NotifyLocalCandidateDiscovered`).
 */
export function candidatePriority(type: IceCandidateType, localPreference: number): number {
  return typePreference[type] * 2 ** 24 + localPreference * 2 ** 8 + 255;
}

/** 16 bits: how the relay is reached, then IPv6 before IPv4 (RFC 8421 §4), then the interface. */
export function localPreference(candidate: IceLocalCandidate): number {
  const transport = 3 - relayTransports.indexOf(candidate.relayTransport ?? 'udp');
  const family = isIpv6(candidate.address.host) ? 1 : 0;
  const preference = Math.min(Math.max(candidate.interfacePreference ?? 255, 0), 255);
  return (transport << 14) | (family << 13) | (preference << 5) | 31;
}

/** What is told to the other side. */
export function describeCandidate(local: IceLocalCandidate, dialect: IceDialect): IceCandidate {
  const { type, address, base = address } = local;
  const hasRelated = dialect === 'standard' && type !== 'host';
  return {
    type,
    host: address.host,
    port: address.port,
    priority: candidatePriority(type, localPreference(local)),
    foundation: foundationOf(local),
    component: dialect === 'gns' ? 0 : 1,
    related: hasRelated ? base : undefined,
  };
}

/** RFC 8445 §5.1.1.3: equal for the same type, base address, server and transport. In digits, as GNS has it. */
function foundationOf({ type, address, base = address, ...local }: IceLocalCandidate): string {
  const source = [type, base.host, local.server ?? '', local.relayTransport ?? 'udp'].join(' ');
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < source.length; i++) {
    hash = Math.imul(hash ^ source.charCodeAt(i), 0x01000193) >>> 0;
  }
  return String(hash);
}

export function isIpv6(host: string): boolean {
  return host.includes(':');
}

/** RFC 8445 §6.1.2.2: families match, and link-local IPv6 meets only its like. */
export function canPair(local: StunAddress, remote: StunAddress): boolean {
  if (isIpv6(local.host) !== isIpv6(remote.host)) return false;
  return isLinkLocal(local.host) === isLinkLocal(remote.host);
}

function isLinkLocal(host: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(host);
}

/** A numeric address with a port that can be sent to. */
export function isUsable({ host, port }: StunAddress): boolean {
  return parseIp(host) !== undefined && Number.isInteger(port) && port > 0 && port < 65_536;
}

/** Whether a local candidate may be used and told. */
export function isAllowed(policy: IcePolicy, type: IceCandidateType): boolean {
  return policy === 'all' || policy === type;
}
