import type { Millis } from '../../base/index.ts';
import type { PasswordAlgorithm } from '../../stun/index.ts';
import type { AddressFamily } from '../index.ts';
import type { TurnAccount } from './options.ts';
import type { Verdict } from './peer-policy.ts';
import type { Share } from './shares.ts';

/**
 * Where clients are heard: a listening UDP socket, or one connection. The shell makes one by
 * `openClientSocket`, keeps its own socket by the id, and hands this in with what arrives.
 */
export class ClientSocket {
  readonly id: number;
  /** TCP, TLS, WebSocket: frames are padded, and one client speaks. */
  readonly isStream: boolean;
  /** Client host → port → allocation: the rest of the 5-tuple. RFC 8656 §3.2. */
  readonly allocations: Map<string, Map<number, Allocation>> = new Map();

  constructor(id: number, isStream: boolean) {
    this.id = id;
    this.isStream = isStream;
  }
}

/** A relayed transport address, and the socket that the shell opens for it. */
export class RelayPort {
  readonly id: number;
  readonly family: AddressFamily;
  /** As peers see it. */
  readonly host: string;
  readonly bindHost: string;
  readonly port: number;
  readonly allocation: Allocation;
  isOpen = false;

  constructor(
    id: number,
    address: { readonly family: AddressFamily; readonly host: string; readonly bindHost: string },
    port: number,
    allocation: Allocation,
  ) {
    this.id = id;
    this.family = address.family;
    this.host = address.host;
    this.bindHost = address.bindHost;
    this.port = port;
    this.allocation = allocation;
  }
}

/** A channel binding. RFC 8656 §12. */
export interface Channel {
  readonly number: number;
  readonly peer: Peer;
  readonly port: number;
  boundUntilMs: Millis;
}

/** A peer address with a permission (RFC 8656 §9), and the channels bound to its ports. */
export interface Peer {
  readonly host: string;
  readonly ip: Uint8Array;
  readonly family: AddressFamily;
  readonly verdict: Verdict;
  permittedUntilMs: Millis;
  readonly channels: Map<number, Channel>;
}

/**
 * opening ──every relay port open──▶ open ──expired, refreshed to 0, revoked, stream closed──▶ closed
 *    └────── no port can be had ──▶ closed
 */
export type AllocationState = 'opening' | 'open' | 'closed';

/** RFC 8656 §3.2. */
export class Allocation {
  readonly socket: ClientSocket;
  readonly clientHost: string;
  readonly clientPort: number;
  /** Of the request that made it. */
  readonly transactionId: Uint8Array;
  readonly username: string;
  readonly account: TurnAccount;
  readonly ofPlayer: Share;
  readonly ofAddress: Share;
  /** Of the account's password, so that a refresh needs nobody else. */
  readonly keys: Map<PasswordAlgorithm, Uint8Array> = new Map();
  readonly relays: RelayPort[] = [];
  readonly #peers = new Map<string, Peer>();
  /** The same by number: what a Send indication has at hand. */
  readonly #ipv4Peers = new Map<number, Peer>();
  readonly channels: Map<number, Channel> = new Map();
  state: AllocationState = 'opening';
  expiresAtMs: Millis;

  constructor(
    asker: {
      readonly socket: ClientSocket;
      readonly host: string;
      readonly port: number;
      readonly message: { readonly transactionId: Uint8Array };
    },
    who: { readonly username: string; readonly account: TurnAccount },
    shares: { readonly ofPlayer: Share; readonly ofAddress: Share },
    expiresAtMs: Millis,
  ) {
    this.socket = asker.socket;
    this.clientHost = asker.host;
    this.clientPort = asker.port;
    this.transactionId = asker.message.transactionId;
    this.username = who.username;
    this.account = who.account;
    this.ofPlayer = shares.ofPlayer;
    this.ofAddress = shares.ofAddress;
    this.expiresAtMs = expiresAtMs;
  }

  get permissions(): number {
    return this.#peers.size;
  }

  relayOf(family: AddressFamily): RelayPort | undefined {
    const [first, second] = this.relays;
    return first?.family === family ? first : second?.family === family ? second : undefined;
  }

  peer(host: string): Peer | undefined {
    return this.#peers.get(host);
  }

  ipv4Peer(address: number): Peer | undefined {
    return this.#ipv4Peers.get(address);
  }

  addPeer(peer: Peer): void {
    this.#peers.set(peer.host, peer);
    if (peer.ip.length === 4) this.#ipv4Peers.set(ipv4Number(peer.ip), peer);
  }

  /** Forgets channels and permissions whose time is over. */
  sweep(now: Millis): void {
    for (const channel of this.channels.values()) {
      if (channel.boundUntilMs > now) continue;
      this.channels.delete(channel.number);
      channel.peer.channels.delete(channel.port);
    }
    for (const peer of this.#peers.values()) {
      if (peer.permittedUntilMs > now || peer.channels.size > 0) continue;
      this.#peers.delete(peer.host);
      if (peer.ip.length === 4) this.#ipv4Peers.delete(ipv4Number(peer.ip));
    }
  }
}

function ipv4Number(ip: Uint8Array): number {
  return new DataView(ip.buffer, ip.byteOffset).getUint32(0);
}
