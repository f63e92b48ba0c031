import type { Millis } from '../../base/index.ts';
import { type StunAttribute, xorAddress, xorMappedAddress } from '../../stun/index.ts';
import {
  AddressFamily,
  addressErrorCode,
  lifetime,
  TurnAttributeType,
  TurnErrorCode,
} from '../index.ts';
import type { AllocateRequest } from './allocate-request.ts';
import { Allocation, type RelayPort } from './allocation.ts';
import type { Authenticated } from './authentication.ts';
import type { ResolvedTurnOptions, ShareKind } from './options.ts';
import type { PortWish, RelayTable } from './relay-table.ts';
import type { Asker, Replies } from './replies.ts';
import { Reservations } from './reservations.ts';
import { addressKey, ShareTable } from './shares.ts';
import type { TurnStats } from './turn-stats.ts';

/** What the shell has to do. */
export type TurnEvent =
  /** Bind a UDP socket to `relay.bindHost` and `relay.port`, then say how it went. */
  | { readonly type: 'openRelay'; readonly relay: RelayPort }
  /** Close that socket; nothing of it is wanted any more, nor an answer to `openRelay`. */
  | { readonly type: 'closeRelay'; readonly relay: RelayPort };

/** Ports tried for one relayed address before it is given up: others on this machine may hold some. */
const MAX_OPEN_TRIES = 8;

/** An allocation while its ports are being opened. */
interface Opening {
  readonly asker: Asker;
  readonly request: AllocateRequest;
  /** Of its first address: a reservation knows better than the request. */
  readonly family: AddressFamily;
  reservedPort: number | undefined;
  tries: number;
  /** IPv6 was asked for in addition, and cannot be had. */
  additionalError: TurnErrorCode | undefined;
}

/** Makes and ends allocations: RFC 8656 §7, §8. */
export class Allocations {
  readonly ofPlayers: ShareTable;
  readonly ofAddresses: ShareTable;
  readonly #options: ResolvedTurnOptions;
  readonly #relays: RelayTable;
  readonly #replies: Replies;
  readonly #stats: TurnStats;
  readonly #reservations: Reservations;
  readonly #open = new Set<Allocation>();
  readonly #openings = new Map<Allocation, Opening>();
  /** The answer to the request that made it, for when that comes again: RFC 8656 §7.2. */
  readonly #answers = new WeakMap<Allocation, Uint8Array>();
  readonly #events: TurnEvent[] = [];

  constructor(
    options: ResolvedTurnOptions,
    relays: RelayTable,
    replies: Replies,
    stats: TurnStats,
    randomBytes: (length: number) => Uint8Array,
  ) {
    this.#options = options;
    this.#relays = relays;
    this.#replies = replies;
    this.#stats = stats;
    this.#reservations = new Reservations(randomBytes);
    const { limits, onShare } = options;
    this.ofPlayers = new ShareTable(limits.bytesPerSecondPerPlayer, (name, count) =>
      onShare('player', name, count),
    );
    this.ofAddresses = new ShareTable(limits.bytesPerSecondPerAddress, (name, count) =>
      onShare('address', name, count),
    );
  }

  get size(): number {
    return this.#open.size;
  }

  get hasWork(): boolean {
    return this.#open.size > 0 || this.#reservations.size > 0;
  }

  [Symbol.iterator](): Iterator<Allocation> {
    return this.#open.values();
  }

  sharesOf(kind: ShareKind): ShareTable {
    return kind === 'player' ? this.ofPlayers : this.ofAddresses;
  }

  pollEvent(): TurnEvent | undefined {
    return this.#events.shift();
  }

  answerOf(allocation: Allocation): Uint8Array | undefined {
    return this.#answers.get(allocation);
  }

  /** Asks for the ports; the answer goes out when they are open. */
  make(now: Millis, asker: Asker, who: Authenticated, request: AllocateRequest): void {
    const { limits } = this.#options;
    const address = addressKey(asker.host);
    const { player } = who.account;
    const isOverQuota =
      this.ofPlayers.allocationsOf(player) >= limits.allocationsPerPlayer ||
      this.ofAddresses.allocationsOf(address) >= limits.allocationsPerAddress;
    if (isOverQuota) {
      this.#replies.refuse(asker, TurnErrorCode.AllocationQuotaReached);
      return;
    }
    const { reservationToken: token } = request;
    const reserved = token && this.#reservations.redeem(now, token, player);
    if (token && !reserved) {
      this.#replies.refuse(asker, TurnErrorCode.InsufficientCapacity);
      return;
    }
    const family = reserved?.family ?? request.family;
    if (!this.#relays.has(family)) {
      this.#replies.refuse(asker, TurnErrorCode.AddressFamilyNotSupported);
      return;
    }
    const shares = {
      ofPlayer: this.ofPlayers.join(now, player),
      ofAddress: this.ofAddresses.join(now, address),
    };
    const expiresAtMs = now + request.lifetimeSec * 1000;
    const allocation = new Allocation(asker, who, shares, expiresAtMs);
    allocation.keys.set(who.passwordAlgorithm, who.key);
    const opening: Opening = {
      asker,
      request,
      family,
      reservedPort: undefined,
      tries: 0,
      additionalError: undefined,
    };
    this.#enter(allocation, opening);
    const wish = reserved ? { reserved: reserved.port } : wishFor(request);
    this.#openRelay(now, allocation, family, wish);
    if (!request.isDual || allocation.state === 'closed') return;
    if (this.#relays.has(AddressFamily.Ipv6)) {
      this.#openRelay(now, allocation, AddressFamily.Ipv6, 'any');
    } else opening.additionalError = TurnErrorCode.AddressFamilyNotSupported;
  }

  handleRelayOpened(now: Millis, relay: RelayPort): void {
    const { allocation } = relay;
    if (allocation.state === 'closed' || !allocation.relays.includes(relay)) return;
    relay.isOpen = true;
    this.#answerWhenReady(now, allocation);
  }

  /** The port is somebody else's: another is tried, a few times. */
  handleRelayFailed(now: Millis, relay: RelayPort): void {
    const { allocation } = relay;
    const opening = this.#openings.get(allocation);
    if (!opening || !allocation.relays.includes(relay)) return;
    this.#drop(now, relay);
    this.#releaseReserved(now, opening);
    opening.tries++;
    const { request, family } = opening;
    const isMain = relay.family === family;
    const canRetry = opening.tries < MAX_OPEN_TRIES && request.reservationToken === undefined;
    if (canRetry) this.#openRelay(now, allocation, relay.family, isMain ? wishFor(request) : 'any');
    else if (isMain) this.#giveUp(now, allocation);
    else {
      opening.additionalError = TurnErrorCode.InsufficientCapacity;
      this.#answerWhenReady(now, allocation);
    }
  }

  /** Everything of it is free; its ports rest. */
  close(now: Millis, allocation: Allocation): void {
    if (allocation.state === 'closed') return;
    allocation.state = 'closed';
    for (const relay of [...allocation.relays]) this.#drop(now, relay);
    const opening = this.#openings.get(allocation);
    if (opening) this.#releaseReserved(now, opening);
    this.#openings.delete(allocation);
    this.#open.delete(allocation);
    const { socket, clientHost, clientPort } = allocation;
    const ports = socket.allocations.get(clientHost);
    ports?.delete(clientPort);
    if (ports?.size === 0) socket.allocations.delete(clientHost);
    this.ofPlayers.leave(allocation.ofPlayer);
    this.ofAddresses.leave(allocation.ofAddress);
  }

  /** One of two families: RFC 8656 §8.2; the allocation ends with its last. */
  closeFamily(now: Millis, allocation: Allocation, family: AddressFamily): void {
    const relay = allocation.relayOf(family);
    if (relay) this.#drop(now, relay);
    if (allocation.relays.length === 0) this.close(now, allocation);
  }

  sweep(now: Millis): void {
    for (const allocation of this.#open) {
      if (allocation.expiresAtMs <= now) this.close(now, allocation);
      else allocation.sweep(now);
    }
    for (const { family, port } of this.#reservations.expired(now)) {
      this.#relays.givePort(now, family, port);
    }
  }

  #enter(allocation: Allocation, opening: Opening): void {
    this.#open.add(allocation);
    this.#openings.set(allocation, opening);
    const { socket, clientHost, clientPort } = allocation;
    const ports = socket.allocations.get(clientHost) ?? new Map<number, Allocation>();
    ports.set(clientPort, allocation);
    socket.allocations.set(clientHost, ports);
  }

  #openRelay(now: Millis, allocation: Allocation, family: AddressFamily, wish: PortWish): void {
    const opening = this.#openings.get(allocation);
    const relay = this.#relays.take(now, family, wish, allocation);
    if (!opening) return;
    if (relay) {
      if (wish === 'pair') opening.reservedPort = relay.port + 1;
      allocation.relays.push(relay);
      this.#events.push({ type: 'openRelay', relay });
    } else if (family === opening.family) this.#giveUp(now, allocation);
    else {
      opening.additionalError = TurnErrorCode.InsufficientCapacity;
      this.#answerWhenReady(now, allocation);
    }
  }

  #giveUp(now: Millis, allocation: Allocation): void {
    const opening = this.#openings.get(allocation);
    this.close(now, allocation);
    if (opening) this.#replies.refuse(opening.asker, TurnErrorCode.InsufficientCapacity);
  }

  #answerWhenReady(now: Millis, allocation: Allocation): void {
    const opening = this.#openings.get(allocation);
    const isReady = allocation.relays.length > 0 && allocation.relays.every((r) => r.isOpen);
    if (!opening || !isReady) return;
    this.#openings.delete(allocation);
    allocation.state = 'open';
    this.#stats.allocated++;
    const attributes = this.#successOf(now, allocation, opening);
    this.#answers.set(allocation, this.#replies.succeed(opening.asker, attributes));
  }

  /** RFC 8656 §7.2. */
  #successOf(now: Millis, allocation: Allocation, opening: Opening): StunAttribute[] {
    const { asker, family, reservedPort, additionalError } = opening;
    const { transactionId } = asker.message;
    const attributes = allocation.relays.map((relay) =>
      xorAddress(TurnAttributeType.XorRelayedAddress, relay, transactionId),
    );
    attributes.push(
      lifetime(Math.round((allocation.expiresAtMs - now) / 1000)),
      xorMappedAddress(asker, transactionId),
    );
    if (reservedPort !== undefined) {
      const untilMs = now + this.#options.limits.reservationSec * 1000;
      const { player } = allocation.account;
      const token = this.#reservations.make({
        player,
        family,
        port: reservedPort,
        untilMs,
      });
      attributes.push({ type: TurnAttributeType.ReservationToken, value: token });
    }
    if (additionalError !== undefined) {
      attributes.push(addressErrorCode(AddressFamily.Ipv6, additionalError));
    }
    return attributes;
  }

  #drop(now: Millis, relay: RelayPort): void {
    const { relays } = relay.allocation;
    const at = relays.indexOf(relay);
    if (at >= 0) relays.splice(at, 1);
    relay.isOpen = false;
    this.#relays.give(now, relay);
    this.#events.push({ type: 'closeRelay', relay });
  }

  #releaseReserved(now: Millis, opening: Opening): void {
    if (opening.reservedPort === undefined) return;
    this.#relays.givePort(now, opening.family, opening.reservedPort);
    opening.reservedPort = undefined;
  }
}

function wishFor({ evenPort }: AllocateRequest): PortWish {
  return evenPort === 'no' ? 'any' : evenPort;
}
