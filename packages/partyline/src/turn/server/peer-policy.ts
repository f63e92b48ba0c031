import { unmapIp } from '../../base/index.ts';
import { type Cidr, isInside, parseCidr } from './cidr.ts';
import type { ResolvedTurnOptions } from './options.ts';

/**
 * Nobody's address: IANA's special-purpose registries (RFC 6890), and what has been used to get into
 * networks through a TURN server. An operator opens a part of it by a range that is as narrow.
 */
export const deniedByDefault: readonly string[] = [
  ...['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24'],
  ...['::1/128', '64:ff9b:1::/48', '100::/64', '2001:2::/48', '2001:db8::/32', '3fff::/20'],
  ...['5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10'],
];

/** No single host: never a peer, whatever is allowed. */
export const deniedAlways: readonly string[] = [
  ...['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '::/128', 'ff00::/8'],
];

/** What may be done with an address. */
export interface Verdict {
  /** By the ranges. */
  readonly isAllowed: boolean;
  /** A relayed address of ours, whose ports in use are allowed in any case. */
  readonly isOwnRelay: boolean;
  /** An address of this machine: ports that it listens on are denied. */
  readonly isLocal: boolean;
}

/**
 * Who may be a peer. Each address is judged by what it means: an IPv6 address that carries an IPv4
 * one (RFC 4291 §2.5.5, RFC 6052, 3056, 4380, 5214) is judged by both.
 */
export class PeerPolicy {
  readonly #always = deniedAlways.map(range);
  readonly #denied: readonly Cidr[];
  readonly #refused: readonly Cidr[];
  readonly #allowed: readonly Cidr[];
  readonly #relayHosts: readonly Cidr[];
  readonly #localHosts: readonly Cidr[];

  constructor({ allowPeers, denyPeers, ownHosts, relays }: ResolvedTurnOptions) {
    const loopback = ['127.0.0.0/8', '::1/128'].map(range);
    const relayHosts = relays.flatMap(({ host, bindHost }) => [host, bindHost]);
    const own = [...ownHosts, ...relayHosts].map(range);
    this.#allowed = allowPeers;
    this.#refused = denyPeers;
    this.#denied = [...deniedByDefault.map(range), ...own];
    this.#localHosts = [...loopback, ...own];
    this.#relayHosts = relayHosts.map(range);
  }

  judge(ip: Uint8Array): Verdict {
    const isOwnRelay = this.#relayHosts.some((own) => isInside(own, ip));
    const isLocal = isOwnRelay || this.#localHosts.some((own) => isInside(own, ip));
    return { isAllowed: this.#isAllowed(ip), isOwnRelay, isLocal };
  }

  #isAllowed(ip: Uint8Array): boolean {
    // No socket of one family sends to these; who means IPv4 says IPv4.
    if (ip.length === 16 && (unmapIp(ip).length === 4 || isCompatible(ip))) return false;
    const inner = embeddedIpv4(ip);
    return this.#isRangeAllowed(ip) && inner.every((address) => this.#isRangeAllowed(address));
  }

  #isRangeAllowed(ip: Uint8Array): boolean {
    if (this.#always.some((cidr) => isInside(cidr, ip))) return false;
    if (this.#refused.some((cidr) => isInside(cidr, ip))) return false;
    const denials = this.#denied.filter((cidr) => isInside(cidr, ip));
    if (denials.length === 0) return true;
    const narrowest = Math.max(...denials.map(({ prefixBits }) => prefixBits));
    return this.#allowed.some((cidr) => cidr.prefixBits >= narrowest && isInside(cidr, ip));
  }
}

/** RFC 4291 §2.5.5.1, unspecified and loopback aside. */
function isCompatible(ip: Uint8Array): boolean {
  return (
    ip.subarray(0, 12).every((byte) => byte === 0) && ip.subarray(12, 15).some((byte) => byte > 0)
  );
}

/** Every IPv4 address that an IPv6 address leads to by a known mechanism. */
function embeddedIpv4(ip: Uint8Array): Uint8Array[] {
  if (ip.length === 4) return [];
  const found: Uint8Array[] = [];
  if (isInside(nat64, ip)) found.push(ip.subarray(12)); // RFC 6052 §2.1
  if (isInside(sixToFour, ip)) found.push(ip.subarray(2, 6)); // RFC 3056 §2
  if (isInside(teredo, ip)) {
    found.push(
      ip.subarray(4, 8), // RFC 4380 §4: the server, and the client with its bits turned over
      ip.subarray(12).map((byte) => byte ^ 0xff),
    );
  }
  // RFC 5214 §6.1: the universal bit may be set or not.
  const isIsatap = ((ip[8] ?? 0) & 0xfd) === 0 && ip[9] === 0 && ip[10] === 0x5e && ip[11] === 0xfe;
  if (isIsatap) found.push(ip.subarray(12));
  return found;
}

const nat64 = range('64:ff9b::/96');
const sixToFour = range('2002::/16');
const teredo = range('2001::/32');

function range(text: string): Cidr {
  const cidr = parseCidr(text.replace(/%.*$/, ''));
  if (!cidr) throw new Error(`not a range: ${text}`);
  return cidr;
}
