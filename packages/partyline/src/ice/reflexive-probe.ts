import type { Millis, Transmit } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import {
  BINDING_METHOD,
  decodeXorMappedAddress,
  findAttribute,
  type StunAddress,
  StunAttributeType,
  StunClass,
  StunTransaction,
} from '../stun/index.ts';
import type { IceRoute } from './route.ts';

/** Gives up after 2.75 s: who waits for the end of candidates does so for this. */
const schedule = { initialRtoMs: 250, maxRequests: 4, lastWaitFactor: 4 } as const;
/** RFC 8445 §11 `Tr`, and GNS `Think_KeepAliveOnCandidates`: NATs forget after 30 s at the earliest. */
export const REFLEXIVE_KEEPALIVE_MS = 15_000;
/** After a question that nobody has answered the next one waits so long, then twice as long. */
const FIRST_RETRY_MS = 1000;

/** Asks one STUN server which address one socket has, and again before the NAT forgets it. */
export class ReflexiveProbe {
  readonly route: IceRoute;
  readonly #crypto: Pick<Crypto, 'randomBytes'>;
  #transaction: StunTransaction<IceRoute> | undefined;
  #transactionId: Uint8Array = new Uint8Array(12);
  #nextAt: Millis = Number.POSITIVE_INFINITY;
  #mapped: StunAddress | undefined;
  #retryMs = FIRST_RETRY_MS;
  /** The first question has been answered, or never will be. */
  isSettled = false;

  constructor(crypto: Pick<Crypto, 'randomBytes'>, route: IceRoute) {
    this.#crypto = crypto;
    this.route = route;
  }

  /** Asks now, unless it is asking. */
  ask(now: Millis): void {
    if (this.#transaction !== undefined) return;
    this.#transactionId = this.#crypto.randomBytes(12);
    const request = {
      class: StunClass.Request,
      method: BINDING_METHOD,
      transactionId: this.#transactionId,
      attributes: [],
    };
    this.#transaction = new StunTransaction(now, this.route, request, schedule);
    this.#nextAt = Number.POSITIVE_INFINITY;
  }

  owns(transactionId: Uint8Array): boolean {
    return this.#transactionId.every((byte, i) => byte === transactionId[i]);
  }

  /** The address that was learned, when it is another one than before. @throws DecodeError */
  handleDatagram(now: Millis, from: IceRoute, bytes: Uint8Array): StunAddress | undefined {
    this.#transaction?.handleDatagram(now, from, bytes);
    return this.#take(now);
  }

  /** True when a question has gone without an answer to the end. */
  handleTimeout(now: Millis): boolean {
    if (this.#nextAt <= now) this.ask(now);
    const wasAsking = this.#transaction !== undefined;
    this.#transaction?.handleTimeout(now);
    this.#take(now);
    return wasAsking && this.#transaction === undefined;
  }

  pollTransmit(): Transmit<IceRoute> | undefined {
    return this.#transaction?.pollTransmit();
  }

  get nextAt(): Millis {
    return Math.min(this.#nextAt, this.#transaction?.pollTimeout() ?? Number.POSITIVE_INFINITY);
  }

  #take(now: Millis): StunAddress | undefined {
    const event = this.#transaction?.pollEvent();
    if (event === undefined) return undefined;
    this.#transaction = undefined;
    this.isSettled = true;
    this.#nextAt = now + REFLEXIVE_KEEPALIVE_MS;
    if (event.type === 'timeout') {
      this.#nextAt = now + this.#retryMs;
      this.#retryMs = Math.min(2 * this.#retryMs, REFLEXIVE_KEEPALIVE_MS);
      return undefined;
    }
    this.#retryMs = FIRST_RETRY_MS;
    const { message } = event;
    const value = findAttribute(message, StunAttributeType.XorMappedAddress);
    if (message.class !== StunClass.Success || value === undefined) return undefined;
    const mapped = decodeXorMappedAddress(value, message.transactionId);
    const isNew = mapped.host !== this.#mapped?.host || mapped.port !== this.#mapped.port;
    this.#mapped = mapped;
    return isNew ? mapped : undefined;
  }
}
