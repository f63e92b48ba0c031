import {
  encodeStun,
  errorCode,
  type StunAttribute,
  StunClass,
  type StunCrypto,
  type StunMessage,
  withMessageIntegrity,
} from '../../stun/index.ts';
import type { TurnErrorCode } from '../index.ts';
import type { ClientSocket } from './allocation.ts';
import type { Authenticated } from './authentication.ts';
import type { TransmitQueue } from './transmits.ts';
import type { TurnStats } from './turn-stats.ts';

/** Who asked, and by which request. */
export interface Asker {
  readonly socket: ClientSocket;
  readonly host: string;
  readonly port: number;
  readonly message: Pick<StunMessage, 'method' | 'transactionId'>;
  /** Absent: the answer is not protected. */
  readonly proof?: Pick<Authenticated, 'key' | 'integrity'>;
}

/** Writes answers: the transaction of the request, and its kind of MAC (RFC 8489 §9.2.4). */
export class Replies {
  readonly #crypto: StunCrypto;
  readonly #transmits: TransmitQueue;
  readonly #stats: TurnStats;

  constructor(crypto: StunCrypto, transmits: TransmitQueue, stats: TurnStats) {
    this.#crypto = crypto;
    this.#transmits = transmits;
    this.#stats = stats;
  }

  succeed(asker: Asker, attributes: readonly StunAttribute[]): Uint8Array {
    return this.#reply(asker, StunClass.Success, attributes);
  }

  refuse(asker: Asker, code: TurnErrorCode, attributes: readonly StunAttribute[] = []): void {
    this.#stats.refused.set(code, (this.#stats.refused.get(code) ?? 0) + 1);
    const reason = asker.proof ? (reasons.get(code) ?? '') : '';
    this.#reply(asker, StunClass.Error, [errorCode({ code, reason }), ...attributes]);
  }

  #reply(
    { socket, host, port, message, proof }: Asker,
    cls: StunClass,
    attributes: readonly StunAttribute[],
  ): Uint8Array {
    const { method, transactionId } = message;
    const plain = encodeStun({ class: cls, method, transactionId, attributes });
    const bytes = proof
      ? withMessageIntegrity(this.#crypto, plain, proof.key, proof.integrity)
      : plain;
    this.#transmits.toClient(socket, host, port, bytes);
    return bytes;
  }
}

/** RFC 8656 §19, for people; only those who proved a password get to read. */
const reasons: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [403, 'Forbidden'],
  [420, 'Unknown Attribute'],
  [437, 'Allocation Mismatch'],
  [440, 'Address Family not Supported'],
  [441, 'Wrong Credentials'],
  [442, 'Unsupported Transport Protocol'],
  [443, 'Peer Address Family Mismatch'],
  [486, 'Allocation Quota Reached'],
  [508, 'Insufficient Capacity'],
]);
