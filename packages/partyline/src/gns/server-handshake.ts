import type { Millis } from '../base/index.ts';
import { ChallengeIssuer } from './challenge.ts';
import type { GnsCrypto } from './handshake.ts';
import {
  type ConnectOk,
  type ConnectRequest,
  decodeChallengeRequest,
  decodeConnectRequest,
  encodeChallengeReply,
} from './messages.ts';
import { PacketType, PROTOCOL_VERSION } from './protocol.ts';
import { TokenBucket } from './token-bucket.ts';

/** A ConnectOk tells the delay of its answer only up to this (GNS: 4 s), in ms. */
const MAX_TOLD_DELAY_MS = 4000;

/** The connection id of a client that asks. @throws DecodeError */
export function askingId(type: number, datagram: Uint8Array): number {
  return type === PacketType.ChallengeRequest
    ? decodeChallengeRequest(datagram).connectionId
    : decodeConnectRequest(datagram).clientConnectionId;
}

/** From what the client learns the round trip: its timestamp, and how long we kept it. */
export function answerDelay(
  now: Millis,
  asked: { readonly timestamp: bigint; readonly at: Millis } | undefined,
): Pick<ConnectOk, 'yourTimestamp' | 'delayUsec'> {
  const delayMs = asked === undefined ? 0 : now - asked.at;
  const delayUsec = Math.round(delayMs * 1000);
  return { yourTimestamp: delayMs < MAX_TOLD_DELAY_MS ? asked?.timestamp : undefined, delayUsec };
}

/**
 * The server's side before there is a connection. Keeps nothing of a client that has not proved
 * its address, and bounds the work that those cause who have.
 */
export class ServerHandshake {
  readonly #challenges: ChallengeIssuer;
  readonly #checks: TokenBucket;

  constructor(crypto: GnsCrypto, maxPerSecond: number) {
    this.#challenges = new ChallengeIssuer(crypto);
    this.#checks = new TokenBucket(maxPerSecond);
  }

  /** The answer, shorter than the request; `undefined` for a request that names no connection. */
  challenge(now: Millis, address: string, datagram: Uint8Array): Uint8Array | undefined {
    const { connectionId, timestamp } = decodeChallengeRequest(datagram);
    if (connectionId === 0) return undefined;
    return encodeChallengeReply({
      connectionId,
      challenge: this.#challenges.issue(now, address),
      yourTimestamp: timestamp,
      protocolVersion: PROTOCOL_VERSION,
    });
  }

  /** The request, if it came with a challenge of ours for that address; `undefined` otherwise. */
  request(now: Millis, address: string, datagram: Uint8Array): ConnectRequest | undefined {
    const request = decodeConnectRequest(datagram);
    const isProved = this.#challenges.isValid(now, address, request.challenge);
    return isProved && request.clientConnectionId !== 0 ? request : undefined;
  }

  /** May a certificate be checked now? */
  takeToken(now: Millis): boolean {
    return this.#checks.take(now);
  }
}
