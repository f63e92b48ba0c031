import { DecodeError, type Millis } from '../../base/index.ts';
import type { Crypto } from '../../crypto/index.ts';
import {
  BINDING_METHOD,
  bindingResponse,
  checkFingerprint,
  decodeStun,
  findAttribute,
  looksLikeStun,
  StunAttributeType,
  StunClass,
  type StunCrypto,
  type StunMessage,
} from '../../stun/index.ts';
import { looksLikeChannelData, looksLikeSend, TurnErrorCode, TurnMethod } from '../index.ts';
import { type Allocation, ClientSocket, type RelayPort } from './allocation.ts';
import { Allocations, type TurnEvent } from './allocations.ts';
import { Authentication } from './authentication.ts';
import { Nonces } from './nonces.ts';
import { resolveTurnServerOptions, type ShareKind, type TurnServerOptions } from './options.ts';
import { PeerPolicy } from './peer-policy.ts';
import { RelayTable } from './relay-table.ts';
import { Relaying } from './relaying.ts';
import { Replies } from './replies.ts';
import { Requests } from './requests.ts';
import { AddressRates, addressKey } from './shares.ts';
import { TransmitQueue, type TurnTransmit } from './transmits.ts';
import { newTurnStats, type TurnStats } from './turn-stats.ts';

/** How often what is over is looked for. */
const SWEEP_MS = 1000;

const turnMethods: ReadonlySet<number> = new Set([
  TurnMethod.Allocate,
  TurnMethod.Refresh,
  TurnMethod.CreatePermission,
  TurnMethod.ChannelBind,
]);

/** What a player has of the relay now. */
export interface TurnUsage {
  readonly player: string;
  readonly allocations: number;
  /** Payload of both directions since its oldest allocation. */
  readonly relayedBytes: number;
}

/**
 * A TURN server without I/O: RFC 8656 over UDP and streams, with long-term credentials. After every
 * input drain `pollEvent` and `pollTransmit`, then arm one timer for `pollTimeout`.
 *
 * Nothing is kept of who has not proved a password but two bounded tables of rates.
 */
export class TurnServer {
  readonly #stats = newTurnStats();
  readonly #transmits = new TransmitQueue();
  readonly #authentication: Authentication;
  readonly #allocations: Allocations;
  readonly #relaying: Relaying;
  readonly #replies: Replies;
  readonly #requests: Requests;
  readonly #challenges: AddressRates;
  readonly #bindings: AddressRates;
  #nextSocketId = 1;
  #nextSweepMs: Millis | undefined;

  /** @throws NetError `OPTIONS_INVALID` */
  constructor(crypto: StunCrypto & Pick<Crypto, 'randomBytes'>, input: TurnServerOptions) {
    const options = resolveTurnServerOptions(input);
    const randomBytes = (length: number): Uint8Array => crypto.randomBytes(length);
    const relays = new RelayTable(options, randomBytes);
    this.#replies = new Replies(crypto, this.#transmits, this.#stats);
    this.#relaying = new Relaying(options, relays, this.#transmits, this.#stats);
    this.#allocations = new Allocations(options, relays, this.#replies, this.#stats, randomBytes);
    const nonces = new Nonces(crypto, options.limits.nonceSec);
    this.#authentication = new Authentication(crypto, nonces, options);
    this.#requests = new Requests({
      options,
      policy: new PeerPolicy(options),
      allocations: this.#allocations,
      relaying: this.#relaying,
      replies: this.#replies,
      transmits: this.#transmits,
    });
    const { bindingsPerSecond, challengesPerSecond } = options.limits;
    this.#challenges = new AddressRates(challengesPerSecond, 2 * challengesPerSecond);
    this.#bindings = new AddressRates(bindingsPerSecond, bindingsPerSecond);
  }

  /** Where clients will be heard; the shell knows its own socket by the id. */
  openClientSocket(isStream: boolean): ClientSocket {
    return new ClientSocket(this.#nextSocketId++, isStream);
  }

  /** The connection is gone, and every allocation made over it: RFC 8656 §3.2. */
  closeClientSocket(now: Millis, socket: ClientSocket): void {
    for (const ports of [...socket.allocations.values()]) {
      for (const allocation of [...ports.values()]) this.#allocations.close(now, allocation);
    }
    this.#arm(now);
  }

  /** A datagram, or one frame of a stream. The bytes may be sent on: do not use them again. */
  handleClient(
    now: Millis,
    socket: ClientSocket,
    host: string,
    port: number,
    bytes: Uint8Array,
  ): void {
    if (port === 0) return; // forged: nobody can be answered there
    const allocation = socket.allocations.get(host)?.get(port);
    const isOpen = allocation?.state === 'open' && allocation.expiresAtMs > now;
    if (looksLikeChannelData(bytes)) {
      if (isOpen) this.#relaying.handleChannelData(now, allocation, bytes);
      else this.#stats.unpermitted++;
    } else if (looksLikeSend(bytes)) {
      if (isOpen) this.#relaying.handleSend(now, allocation, bytes);
      else this.#stats.unpermitted++;
    } else this.#handleStun(now, socket, host, port, bytes, allocation);
  }

  /** A datagram that came to a relayed address. As {@link TurnServer.handleClient}. */
  handlePeer(now: Millis, relay: RelayPort, host: string, port: number, bytes: Uint8Array): void {
    if (relay.allocation.expiresAtMs <= now || port === 0) return;
    this.#relaying.handlePeer(now, relay, host, port, bytes);
  }

  /** A frame that a sibling had for one of our ports. As {@link TurnServer.handleClient}. */
  handleSibling(now: Millis, frame: Uint8Array): void {
    this.#relaying.handleSibling(now, frame);
  }

  /** How many allocations somebody has at the siblings, and at how many of them; quotas count those too. */
  setElsewhere(kind: ShareKind, name: string, allocations: number, places: number): void {
    this.#allocations.sharesOf(kind).setElsewhere(name, { allocations, places });
  }

  /** The answer to `openRelay`. */
  handleRelayOpened(now: Millis, relay: RelayPort): void {
    this.#allocations.handleRelayOpened(now, relay);
    this.#arm(now);
  }

  /** The other answer: the port cannot be bound, whatever the reason. */
  handleRelayFailed(now: Millis, relay: RelayPort): void {
    this.#allocations.handleRelayFailed(now, relay);
    this.#arm(now);
  }

  handleTimeout(now: Millis): void {
    if (this.#nextSweepMs === undefined || now < this.#nextSweepMs) return;
    this.#allocations.sweep(now);
    this.#nextSweepMs = undefined;
    this.#arm(now);
  }

  pollTransmit(): TurnTransmit | undefined {
    return this.#transmits.take();
  }

  /**
   * To be called when `pollTransmit` is drained, or never: whether any socket still holds bytes that it gave for
   * clients or siblings since the last call. If none does, the next frames are written into the same memory.
   */
  settleTransmits(isHeld: boolean): void {
    this.#relaying.settleFrames(isHeld);
  }

  pollEvent(): TurnEvent | undefined {
    return this.#allocations.pollEvent();
  }

  pollTimeout(): Millis | undefined {
    return this.#nextSweepMs;
  }

  /** Ends every allocation of a session at once. */
  endSession(now: Millis, session: string): void {
    this.#end(now, (allocation) => allocation.account.session === session);
  }

  /** Ends every allocation of a player at once. */
  endPlayer(now: Millis, player: string): void {
    this.#end(now, (allocation) => allocation.account.player === player);
  }

  /** Counts since the start. */
  stats(): Readonly<TurnStats> & { readonly allocations: number } {
    return {
      ...this.#stats,
      refused: new Map(this.#stats.refused),
      allocations: this.#allocations.size,
    };
  }

  /** Who uses the relay now: for an operator's eyes, never for labels of metrics. */
  usage(): TurnUsage[] {
    return [...this.#allocations.ofPlayers.values()].map((share) => ({
      player: share.name,
      allocations: share.allocations,
      relayedBytes: share.relayedBytes,
    }));
  }

  #end(now: Millis, isMeant: (allocation: Allocation) => boolean): void {
    for (const allocation of [...this.#allocations]) {
      if (isMeant(allocation)) this.#allocations.close(now, allocation);
    }
  }

  #handleStun(
    now: Millis,
    socket: ClientSocket,
    host: string,
    port: number,
    bytes: Uint8Array,
    known: Allocation | undefined,
  ): void {
    const message = readRequest(bytes);
    if (!message) {
      this.#stats.malformed++;
      return;
    }
    if (message.method === BINDING_METHOD) {
      this.#handleBinding(now, socket, host, port, bytes);
      return;
    }
    if (!turnMethods.has(message.method)) return;
    if (known && known.expiresAtMs <= now) this.#allocations.close(now, known);
    const allocation = known?.state === 'closed' ? undefined : known;
    // Who has been refused so often is not worth a MAC: guesses cost us less than the guesser.
    if (!allocation && this.#challenges.isSpent(now, addressKey(host))) {
      this.#stats.rateLimited++;
      return;
    }
    const client = `${host} ${port}`;
    const checked = this.#authentication.check(now, client, bytes, message, allocation);
    const asker = { socket, host, port, message };
    if ('code' in checked) {
      if (this.#challenges.take(now, addressKey(host))) {
        this.#replies.refuse(asker, checked.code, checked.attributes);
      } else this.#stats.rateLimited++;
      return;
    }
    const proven = { ...asker, proof: checked };
    try {
      this.#requests.handle(now, proven, checked, allocation);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#replies.refuse(proven, TurnErrorCode.BadRequest);
    }
    this.#arm(now);
  }

  #handleBinding(
    now: Millis,
    socket: ClientSocket,
    host: string,
    port: number,
    bytes: Uint8Array,
  ): void {
    if (!this.#bindings.take(now, addressKey(host))) {
      this.#stats.rateLimited++;
      return;
    }
    const answer = bindingResponse(bytes, { host, port });
    if (!answer) return;
    this.#stats.bindings++;
    this.#transmits.toClient(socket, host, port, answer);
  }

  #arm(now: Millis): void {
    if (this.#nextSweepMs === undefined && this.#allocations.hasWork) {
      this.#nextSweepMs = now + SWEEP_MS;
    }
  }
}

/** A well-formed request; a FINGERPRINT that is there is right (RFC 8489 §14.7). */
function readRequest(bytes: Uint8Array): StunMessage | undefined {
  if (!looksLikeStun(bytes)) return undefined;
  try {
    const message = decodeStun(bytes);
    if (message.class !== StunClass.Request) return undefined;
    const isMarked = findAttribute(message, StunAttributeType.Fingerprint) !== undefined;
    return isMarked && checkFingerprint(bytes) !== true ? undefined : message;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
