import { DecodeError, NetError, type Scheduler } from '../../base/index.ts';
import type { Crypto } from '../../crypto/index.ts';
import {
  BINDING_METHOD,
  checkMessageIntegrity,
  decodeErrorCode,
  decodeXorMappedAddress,
  encodeStun,
  findAttribute,
  integrityOf,
  protectedAttributes,
  type StunAddress,
  type StunAttribute,
  StunAttributeType,
  StunClass,
  type StunCrypto,
  type StunError,
  type StunMessage,
  type StunTransactionOptions,
  StunTransactionTable,
} from '../../stun/index.ts';
import { TurnErrorCode } from '../methods.ts';
import { refusalError } from './refusal.ts';
import type { Proof, ServerLogin } from './server-login.ts';

/** How a request ended. Attributes that the MAC does not cover are left out of `message`. */
export type TurnOutcome =
  | { readonly type: 'success'; readonly message: StunMessage }
  /** The server has said no: a typed error, the number, and the response it came in. */
  | {
      readonly type: 'refused';
      readonly error: NetError;
      readonly code: number;
      readonly message: StunMessage;
    }
  /** Nobody has answered, or nobody who knows the password. */
  | { readonly type: 'failed'; readonly error: NetError };

export interface TurnRequest {
  readonly method: number;
  /** Made anew for each attempt: addresses are hidden by the transaction id. */
  attributesOf(transactionId: Uint8Array): readonly StunAttribute[];
  /** Exactly once. */
  onEnd(outcome: TurnOutcome): void;
}

/** Sent in all for one request: the challenge, and nonces that are stale before they arrive. */
const MAX_ATTEMPTS = 5;
const TRANSACTION_ID_BYTES = 12;

/** Authenticated requests to one server; each ends, answered or not. */
export class TurnRequests {
  readonly #crypto: StunCrypto & Pick<Crypto, 'randomBytes'>;
  readonly #login: ServerLogin;
  readonly #table: StunTransactionTable;
  readonly #isReliable: boolean;
  readonly #open = new Set<TurnRequest>();
  #closed: NetError | undefined;

  constructor(parts: {
    readonly crypto: StunCrypto & Pick<Crypto, 'randomBytes'>;
    readonly scheduler: Scheduler;
    readonly login: ServerLogin;
    readonly timing: StunTransactionOptions & { readonly isReliable: boolean };
    send(bytes: Uint8Array): void;
  }) {
    this.#crypto = parts.crypto;
    this.#login = parts.login;
    this.#isReliable = parts.timing.isReliable;
    this.#table = new StunTransactionTable(parts.scheduler, parts.send, parts.timing);
  }

  ask(request: TurnRequest): void {
    if (this.#closed) {
      request.onEnd({ type: 'failed', error: this.#closed });
      return;
    }
    this.#open.add(request);
    this.#attempt(request, 1);
  }

  /**
   * A Binding request, whose answer shows that the server is there, and where it sees us (if it says
   * so); `onDead` when there is none.
   */
  ping(
    onDead: (error: NetError) => void,
    onAnswer: (mapped: StunAddress | undefined) => void = () => {},
  ): void {
    const transactionId = this.#crypto.randomBytes(TRANSACTION_ID_BYTES);
    const message = { class: StunClass.Request, method: BINDING_METHOD, attributes: [] };
    this.#table.begin({
      transactionId,
      bytes: encodeStun({ ...message, transactionId }),
      onAnswer: (answer) => {
        onAnswer(mappedOf(answer));
        return true;
      },
      onTimeout: () => onDead(silence()),
    });
  }

  /** A success or error response that came from the server. */
  handleResponse(message: StunMessage, bytes: Uint8Array): void {
    this.#table.handleResponse(message, bytes);
  }

  /** Ends all that are open with this error, and each one that is asked later. */
  close(error: NetError): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#table.close();
    const open = [...this.#open];
    this.#open.clear();
    for (const request of open) request.onEnd({ type: 'failed', error });
  }

  #attempt(request: TurnRequest, attempt: number): void {
    const transactionId = this.#crypto.randomBytes(TRANSACTION_ID_BYTES);
    const attributes = request.attributesOf(transactionId);
    const plain = { class: StunClass.Request, method: request.method, transactionId, attributes };
    const { realm } = this.#login;
    const { bytes, proof } = this.#login.prove(plain);
    let discarded: StunError | undefined;
    this.#table.begin({
      transactionId,
      bytes,
      onAnswer: (message, raw) => {
        if (message.method !== request.method) return false;
        const answer = readAnswer(message);
        if (!answer) return false;
        const isChallenge =
          answer.code === TurnErrorCode.Unauthenticated || answer.code === TurnErrorCode.StaleNonce;
        if (isChallenge) return this.#meet(request, attempt, realm, proof, message, answer);
        if (proof && !this.#isProved(message, raw, proof)) {
          discarded = answer;
          // RFC 8489 §9.2.5: on a stream nothing better comes after it.
          if (this.#isReliable) this.#end(request, { type: 'failed', error: unproved(answer) });
          return this.#isReliable;
        }
        const attributesProved = proof ? protectedAttributes(message) : message.attributes;
        this.#finish(request, { ...message, attributes: attributesProved }, answer);
        return true;
      },
      onTimeout: () => {
        const error = discarded ? unproved(discarded) : silence();
        this.#end(request, { type: 'failed', error });
      },
    });
  }

  /** RFC 8489 §9.2.5: learns the realm and the nonce and asks again, or gives up. */
  #meet(
    request: TurnRequest,
    attempt: number,
    realm: string | undefined,
    proof: Proof | undefined,
    message: StunMessage,
    answer: StunError,
  ): boolean {
    if (!this.#login.learn(message)) return false;
    const isSameRealm = this.#login.realm === realm;
    const isRefused = answer.code === TurnErrorCode.Unauthenticated && proof && isSameRealm;
    if (isRefused || attempt >= MAX_ATTEMPTS) {
      const { code } = answer;
      this.#end(request, { type: 'refused', error: refusalError(answer), code, message });
    } else this.#attempt(request, attempt + 1);
    return true;
  }

  #finish(request: TurnRequest, message: StunMessage, answer: StunError): void {
    if (message.class === StunClass.Success) this.#end(request, { type: 'success', message });
    else {
      const { code } = answer;
      this.#end(request, { type: 'refused', error: refusalError(answer), code, message });
    }
  }

  #end(request: TurnRequest, outcome: TurnOutcome): void {
    if (this.#open.delete(request)) request.onEnd(outcome);
  }

  #isProved(message: StunMessage, raw: Uint8Array, { key, integrity }: Proof): boolean {
    // Of the request's kind, so that nobody talks us into the weaker one (RFC 8489 §9.2.5).
    if (integrityOf(message) !== integrity) return false;
    return checkMessageIntegrity(this.#crypto, raw, message, key);
  }
}

function mappedOf({ attributes, transactionId }: StunMessage): StunAddress | undefined {
  const value = attributes.find(({ type }) => type === StunAttributeType.XorMappedAddress)?.value;
  try {
    return value && decodeXorMappedAddress(value, transactionId);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Code 0 for a success; `undefined` for an error response without a code. */
function readAnswer(message: StunMessage): StunError | undefined {
  if (message.class === StunClass.Success) return { code: 0, reason: '' };
  const value = findAttribute(message, StunAttributeType.ErrorCode);
  if (!value) return undefined;
  try {
    return decodeErrorCode(value);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function silence(): NetError {
  return new NetError('TURN_UNREACHABLE', 'the relay does not answer');
}

function unproved({ code, reason }: StunError): NetError {
  const what = code === 0 ? 'a success' : `error ${code} ${reason}`.trim();
  const text = `the relay answered ${what} without proving that it knows our password`;
  return new NetError('TURN_UNREACHABLE', text);
}
