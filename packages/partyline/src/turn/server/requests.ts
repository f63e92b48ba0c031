import { type Millis, parseIp } from '../../base/index.ts';
import {
  decodeXorMappedAddress,
  findAttribute,
  type StunAddress,
  StunAttributeType,
  type StunMessage,
  unknownAttributes,
} from '../../stun/index.ts';
import {
  decodeAddressFamily,
  decodeChannelNumber,
  decodeLifetime,
  lifetime,
  MAX_CHANNEL,
  MIN_CHANNEL,
  TurnAttributeType,
  TurnErrorCode,
  TurnMethod,
} from '../index.ts';
import { lifetimeOf, readAllocateRequest } from './allocate-request.ts';
import type { Allocation, Peer } from './allocation.ts';
import type { Allocations } from './allocations.ts';
import type { Authenticated } from './authentication.ts';
import { familyOf, type ResolvedTurnOptions } from './options.ts';
import type { PeerPolicy } from './peer-policy.ts';
import type { Relaying } from './relaying.ts';
import type { Asker, Replies } from './replies.ts';
import type { TransmitQueue } from './transmits.ts';

/** Types below 0x8000 that may stand in a request of ours; any other gets error 420 (RFC 8489 §6.3.1). */
const understood: ReadonlySet<number> = new Set<number>([
  ...Object.values(StunAttributeType),
  ...Object.values(TurnAttributeType),
]);

/** An address that a request names, judged. */
type NamedPeer = Pick<Peer, 'host' | 'ip' | 'family' | 'verdict'> & { readonly port: number };

/** What an authenticated client may ask for: RFC 8656 §7 to §12. */
export class Requests {
  readonly #options: ResolvedTurnOptions;
  readonly #policy: PeerPolicy;
  readonly #allocations: Allocations;
  readonly #relaying: Relaying;
  readonly #replies: Replies;
  readonly #transmits: TransmitQueue;

  constructor(parts: {
    readonly options: ResolvedTurnOptions;
    readonly policy: PeerPolicy;
    readonly allocations: Allocations;
    readonly relaying: Relaying;
    readonly replies: Replies;
    readonly transmits: TransmitQueue;
  }) {
    this.#options = parts.options;
    this.#policy = parts.policy;
    this.#allocations = parts.allocations;
    this.#relaying = parts.relaying;
    this.#replies = parts.replies;
    this.#transmits = parts.transmits;
  }

  /** @throws DecodeError on an attribute that does not parse. */
  handle(now: Millis, asker: Asker, who: Authenticated, allocation: Allocation | undefined): void {
    const unknown = who.message.attributes
      .map(({ type }) => type)
      .filter((type) => type < 0x8000 && !understood.has(type));
    if (unknown.length > 0) {
      const listed = unknownAttributes(new Set(unknown));
      this.#replies.refuse(asker, TurnErrorCode.UnknownAttribute, [listed]);
    } else if (who.message.method === TurnMethod.Allocate) {
      this.#allocate(now, asker, who, allocation);
    } else if (allocation?.state !== 'open') {
      this.#replies.refuse(asker, TurnErrorCode.AllocationMismatch);
    } else if (allocation.username !== who.username) {
      this.#replies.refuse(asker, TurnErrorCode.WrongCredentials);
    } else if (who.message.method === TurnMethod.Refresh) {
      this.#refresh(now, asker, who.message, allocation);
    } else if (who.message.method === TurnMethod.CreatePermission) {
      this.#createPermission(now, asker, who.message, allocation);
    } else this.#bindChannel(now, asker, who.message, allocation);
  }

  /** RFC 8656 §7.2. */
  #allocate(now: Millis, asker: Asker, who: Authenticated, known: Allocation | undefined): void {
    if (known) {
      // The same request again: the answer was lost, or is under way.
      const isRepeated = isSameId(known.transactionId, asker.message.transactionId);
      const answer = this.#allocations.answerOf(known);
      if (!isRepeated) this.#replies.refuse(asker, TurnErrorCode.AllocationMismatch);
      else if (answer) this.#transmits.toClient(asker.socket, asker.host, asker.port, answer);
      return;
    }
    const request = readAllocateRequest(who.message, this.#options.limits);
    if (typeof request === 'number') this.#replies.refuse(asker, request);
    else this.#allocations.make(now, asker, who, request);
  }

  /** RFC 8656 §8.2. */
  #refresh(now: Millis, asker: Asker, message: StunMessage, allocation: Allocation): void {
    const requested = findAttribute(message, TurnAttributeType.RequestedAddressFamily);
    const relay =
      requested && allocation.relays.find((r) => r.family === decodeAddressFamily(requested));
    if (requested && !relay) {
      this.#replies.refuse(asker, TurnErrorCode.PeerAddressFamilyMismatch);
      return;
    }
    const asked = findAttribute(message, TurnAttributeType.Lifetime);
    if (asked && decodeLifetime(asked) === 0) {
      if (relay) this.#allocations.closeFamily(now, allocation, relay.family);
      else this.#allocations.close(now, allocation);
      this.#replies.succeed(asker, [lifetime(0)]);
      return;
    }
    const seconds = lifetimeOf(message, this.#options.limits);
    allocation.expiresAtMs = now + seconds * 1000;
    this.#replies.succeed(asker, [lifetime(seconds)]);
  }

  /** RFC 8656 §10.2: all of them or none. */
  #createPermission(now: Millis, asker: Asker, message: StunMessage, allocation: Allocation): void {
    const peers = message.attributes
      .filter(({ type }) => type === TurnAttributeType.XorPeerAddress)
      .map(({ value }) => this.#namedPeer(value, message));
    const refused =
      peers.length === 0 ? TurnErrorCode.BadRequest : this.#refusalOf(peers, allocation);
    if (refused !== undefined) {
      this.#replies.refuse(asker, refused);
      return;
    }
    for (const peer of peers) this.#permit(now, allocation, peer);
    this.#replies.succeed(asker, []);
  }

  /** RFC 8656 §12.2. */
  #bindChannel(now: Millis, asker: Asker, message: StunMessage, allocation: Allocation): void {
    const numberValue = findAttribute(message, TurnAttributeType.ChannelNumber);
    const peerValue = findAttribute(message, TurnAttributeType.XorPeerAddress);
    const number = numberValue ? decodeChannelNumber(numberValue) : 0;
    if (!peerValue || number < MIN_CHANNEL || number > MAX_CHANNEL) {
      this.#replies.refuse(asker, TurnErrorCode.BadRequest);
      return;
    }
    const named = this.#namedPeer(peerValue, message);
    const refused = this.#refusalOf([named], allocation);
    if (refused !== undefined) {
      this.#replies.refuse(asker, refused);
      return;
    }
    if (!this.#relaying.isPortOpen(named, named.port)) {
      this.#replies.refuse(asker, TurnErrorCode.Forbidden);
      return;
    }
    allocation.sweep(now); // what is bound no more is in nobody's way
    const bound = allocation.channels.get(number);
    const ofPeer = allocation.peer(named.host)?.channels.get(named.port);
    if (bound !== ofPeer) {
      this.#replies.refuse(asker, TurnErrorCode.BadRequest);
      return;
    }
    const { channelsPerAllocation, channelSec } = this.#options.limits;
    if (!bound && allocation.channels.size >= channelsPerAllocation) {
      this.#replies.refuse(asker, TurnErrorCode.InsufficientCapacity);
      return;
    }
    const peer = this.#permit(now, allocation, named);
    const channel = bound ?? { number, peer, port: named.port, boundUntilMs: 0 };
    channel.boundUntilMs = now + channelSec * 1000;
    allocation.channels.set(number, channel);
    peer.channels.set(named.port, channel);
    this.#replies.succeed(asker, []);
  }

  #namedPeer(value: Uint8Array, message: StunMessage): NamedPeer {
    const { host, port }: StunAddress = decodeXorMappedAddress(value, message.transactionId);
    // Printed by us, so it parses, and to the family that was sent: a mapped address stays IPv6.
    const ip = parseIp(host) ?? new Uint8Array(16);
    return { host, port, ip, family: familyOf(ip), verdict: this.#policy.judge(ip) };
  }

  #refusalOf(peers: readonly NamedPeer[], allocation: Allocation): TurnErrorCode | undefined {
    if (peers.some(({ family }) => !allocation.relayOf(family))) {
      return TurnErrorCode.PeerAddressFamilyMismatch;
    }
    if (peers.some(({ verdict }) => !verdict.isAllowed && !verdict.isOwnRelay)) {
      return TurnErrorCode.Forbidden;
    }
    const added = new Set(peers.map(({ host }) => host).filter((host) => !allocation.peer(host)));
    const limit = this.#options.limits.permissionsPerAllocation;
    return allocation.permissions + added.size > limit
      ? TurnErrorCode.InsufficientCapacity
      : undefined;
  }

  /** RFC 8656 §9: made, or good for as long again. */
  #permit(now: Millis, allocation: Allocation, named: NamedPeer): Peer {
    const permittedUntilMs = now + this.#options.limits.permissionSec * 1000;
    const known = allocation.peer(named.host);
    if (known) {
      known.permittedUntilMs = permittedUntilMs;
      return known;
    }
    const { host, ip, family, verdict } = named;
    const peer: Peer = { host, ip, family, verdict, permittedUntilMs, channels: new Map() };
    allocation.addPeer(peer);
    return peer;
  }
}

function isSameId(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
