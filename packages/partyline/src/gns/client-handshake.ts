import type { Millis } from '../base/index.ts';
import type { GnsConnection } from './connection.ts';
import { EndReason } from './end-reason.ts';
import { checkRemote, type GnsCrypto, HandshakeRefusal, type RemoteChecks } from './handshake.ts';
import {
  decodeChallengeReply,
  decodeConnectOk,
  encodeChallengeRequest,
  encodeConnectRequest,
} from './messages.ts';
import { CONNECT_RETRY_MS, MIN_PROTOCOL_VERSION, PROTOCOL_VERSION } from './protocol.ts';

export interface ClientHandshakeSetup {
  readonly crypto: GnsCrypto;
  readonly connection: GnsConnection;
  /** Who the server must be; `undefined` for whoever answers. */
  readonly expectedIdentity: string | undefined;
  /** When a challenge was asked for with the connection's id; -Infinity when it was not yet. */
  readonly askedAt: Millis;
}

const MAX_PING_MS = 2000;

/**
 * The client's side of a connection over UDP: challenge, request, and both again every 500 ms
 * until the server answers: docs/wire/gns.md#handshake.
 */
export class ClientHandshake {
  readonly #setup: ClientHandshakeSetup;
  #retryAt: Millis;
  #serverVersion = 0;

  constructor(setup: ClientHandshakeSetup) {
    this.#setup = setup;
    this.#retryAt = setup.askedAt + CONNECT_RETRY_MS;
  }

  /** When {@link ClientHandshake.write} has something; Infinity when it is over. */
  get wakeAt(): Millis {
    return this.#isOver ? Number.POSITIVE_INFINITY : this.#retryAt;
  }

  /** The challenge request that is due; `undefined` for none. */
  poll(now: Millis): Uint8Array | undefined {
    if (this.#isOver || now < this.#retryAt) return undefined;
    this.#retryAt = now + CONNECT_RETRY_MS;
    return challengeRequest(now, this.#setup.connection.id);
  }

  /** Returns the request that answers the challenge. @throws DecodeError */
  handleChallengeReply(now: Millis, datagram: Uint8Array): Uint8Array | undefined {
    const { connection } = this.#setup;
    const reply = decodeChallengeReply(datagram);
    if (this.#isOver || reply.connectionId !== connection.id) {
      connection.drop('unexpected');
      return undefined;
    }
    if (reply.protocolVersion < MIN_PROTOCOL_VERSION) {
      connection.fail(
        now,
        EndReason.MiscGeneric,
        'Peer is running old software and needs to be updated',
      );
      return undefined;
    }
    this.#samplePing(now, reply.yourTimestamp, 0);
    this.#serverVersion = reply.protocolVersion;
    this.#retryAt = now + CONNECT_RETRY_MS;
    const pingMs = Math.round(connection.snp.roundTrip.smoothedMs);
    return encodeConnectRequest({
      clientConnectionId: connection.id,
      challenge: reply.challenge,
      timestamp: stamp(now),
      ...(pingMs >= 0 ? { pingMs } : {}),
      ...connection.offer(),
    });
  }

  /** @throws DecodeError */
  handleConnectOk(now: Millis, datagram: Uint8Array, checks: RemoteChecks): void {
    const { connection, crypto } = this.#setup;
    const ok = decodeConnectOk(datagram);
    if (this.#isOver || ok.clientConnectionId !== connection.id) {
      connection.drop('unexpected');
      return;
    }
    try {
      const remote = checkRemote(crypto, ok, checks);
      this.#checkIdentity(remote.identity);
      this.#checkVersion(remote.info.protocolVersion);
      this.#samplePing(now, ok.yourTimestamp, ok.delayUsec / 1000);
      connection.complete(now, ok.serverConnectionId, remote);
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      connection.refuse(now, ok.serverConnectionId, error);
    }
  }

  get #isOver(): boolean {
    return this.#setup.connection.state !== 'connecting';
  }

  /**
   * GNS drops the answer of another server than the one it dialled, and both sides wait for their
   * time-outs. But who answers with our random id has read our request, and could end the attempt
   * with a bad certificate as well: so both are told at once.
   */
  #checkIdentity(identity: string): void {
    const { expectedIdentity } = this.#setup;
    if (expectedIdentity === undefined || identity === expectedIdentity) return;
    const why = `Cert was issued to ${identity}, not ${expectedIdentity}`;
    throw new HandshakeRefusal(EndReason.RemoteBadCert, why);
  }

  #checkVersion(version: number): void {
    if (this.#serverVersion === 0 || this.#serverVersion === version) return;
    throw new HandshakeRefusal(
      EndReason.RemoteBadProtocolVersion,
      `Claiming protocol V${version} now, but earlier was using V${this.#serverVersion}`,
    );
  }

  #samplePing(now: Millis, timestamp: bigint | undefined, delayMs: number): void {
    if (timestamp === undefined) return;
    const elapsedMs = Number(stamp(now) - timestamp) / 1000 - delayMs;
    if (elapsedMs <= MAX_PING_MS) this.#setup.connection.snp.roundTrip.sample(now, elapsedMs);
  }
}

/** Asks a server for a challenge. */
export function challengeRequest(now: Millis, connectionId: number): Uint8Array {
  return encodeChallengeRequest({
    connectionId,
    timestamp: stamp(now),
    protocolVersion: PROTOCOL_VERSION,
  });
}

/** Our clock as the wire has it, in µs; only we read it again. */
function stamp(now: Millis): bigint {
  return BigInt(Math.round(now * 1000));
}
