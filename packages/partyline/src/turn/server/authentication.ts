import { DecodeError, fromUtf8, type Millis, utf8 } from '../../base/index.ts';
import {
  checkMessageIntegrity,
  decodePasswordAlgorithms,
  findAttribute,
  type IntegrityAlgorithm,
  integrityOf,
  longTermKey,
  PasswordAlgorithm,
  passwordAlgorithms,
  protectedAttributes,
  SecurityFeature,
  type StunAttribute,
  StunAttributeType,
  type StunCrypto,
  type StunMessage,
  securityFeatures,
} from '../../stun/index.ts';
import { TurnErrorCode } from '../index.ts';
import type { Allocation } from './allocation.ts';
import type { Nonces } from './nonces.ts';
import type { TurnAccount } from './options.ts';

/** A request whose sender proved its password. */
export interface Authenticated {
  readonly username: string;
  readonly account: TurnAccount;
  readonly passwordAlgorithm: PasswordAlgorithm;
  readonly key: Uint8Array;
  readonly integrity: IntegrityAlgorithm;
  /** Those that the MAC covers. */
  readonly message: StunMessage;
}

/** The answer to who did not. */
export interface Challenge {
  readonly code: TurnErrorCode;
  readonly attributes: readonly StunAttribute[];
}

/** RFC 8489 §18.5, the better first: what the server takes. */
const offered: readonly PasswordAlgorithm[] = [PasswordAlgorithm.Sha256, PasswordAlgorithm.Md5];

/** Long-term credentials, server side: RFC 8489 §9.2.4. Keeps nothing. */
export class Authentication {
  readonly #crypto: StunCrypto;
  readonly #nonces: Nonces;
  readonly #realm: string;
  readonly #accountOf: (username: string) => TurnAccount | undefined;

  constructor(
    crypto: StunCrypto,
    nonces: Nonces,
    options: {
      readonly realm: string;
      readonly accountOf: (username: string) => TurnAccount | undefined;
    },
  ) {
    this.#crypto = crypto;
    this.#nonces = nonces;
    this.#realm = options.realm;
    this.#accountOf = options.accountOf;
  }

  /** `client` names the sender's address and port; `known` is its allocation, which vouches for its own username. */
  check(
    now: Millis,
    client: string,
    bytes: Uint8Array,
    message: StunMessage,
    known: Allocation | undefined,
  ): Authenticated | Challenge {
    const integrity = integrityOf(message);
    if (integrity === undefined) return this.#challenge(now, client, TurnErrorCode.Unauthenticated);
    const { class: cls, method, transactionId } = message;
    const guarded = { class: cls, method, transactionId, attributes: protectedAttributes(message) };
    const claim = readClaim(guarded);
    if (!claim) return { code: TurnErrorCode.BadRequest, attributes: [] };
    const algorithm = chosenAlgorithm(guarded, claim.nonce);
    if (algorithm === undefined) return { code: TurnErrorCode.BadRequest, attributes: [] };
    const account =
      known?.username === claim.username ? known.account : this.#accountOf(claim.username);
    if (!account || claim.realm !== this.#realm) {
      return this.#challenge(now, client, TurnErrorCode.Unauthenticated);
    }
    const key = this.#keyOf(claim.username, account, algorithm, known);
    if (!checkMessageIntegrity(this.#crypto, bytes, message, key)) {
      return this.#challenge(now, client, TurnErrorCode.Unauthenticated);
    }
    if (!this.#nonces.isFresh(now, client, claim.nonce)) {
      return this.#challenge(now, client, TurnErrorCode.StaleNonce);
    }
    const { username } = claim;
    return { username, account, passwordAlgorithm: algorithm, key, integrity, message: guarded };
  }

  /** No reasons in words: what is answered to anybody is to be short. */
  #challenge(now: Millis, client: string, code: TurnErrorCode): Challenge {
    const attributes = [
      { type: StunAttributeType.Realm, value: utf8(this.#realm) },
      { type: StunAttributeType.Nonce, value: utf8(this.#nonces.issue(now, client)) },
      passwordAlgorithms(offered),
    ];
    return { code, attributes };
  }

  #keyOf(
    username: string,
    account: TurnAccount,
    algorithm: PasswordAlgorithm,
    known: Allocation | undefined,
  ): Uint8Array {
    const kept = known?.username === username ? known.keys.get(algorithm) : undefined;
    if (kept) return kept;
    const credential = { username, realm: this.#realm, password: account.password };
    return longTermKey(this.#crypto, credential, algorithm);
  }
}

/** RFC 8489 §9.2.4: what must stand beside a MAC. */
function readClaim(
  message: StunMessage,
): { readonly username: string; readonly realm: string; readonly nonce: string } | undefined {
  const username = textOf(message, StunAttributeType.Username);
  const realm = textOf(message, StunAttributeType.Realm);
  const nonce = textOf(message, StunAttributeType.Nonce);
  if (username === undefined || realm === undefined || nonce === undefined) return undefined;
  return { username, realm, nonce };
}

/** RFC 8489 §14.3: 508 bytes of a username at most; realm and nonce are ours, or wrong anyway. */
const MAX_TEXT_BYTES = 763;

function textOf(message: StunMessage, type: number): string | undefined {
  const value = findAttribute(message, type);
  if (!value || value.length > MAX_TEXT_BYTES) return undefined;
  try {
    return fromUtf8(value);
  } catch {
    return undefined; // not UTF-8: nobody's name
  }
}

/**
 * RFC 8489 §9.2.4: with a nonce that offers algorithms, both attributes or none; the list must be as
 * it was offered, so that nobody on the way can take the better one out. `undefined`: a bad request.
 */
function chosenAlgorithm(message: StunMessage, nonce: string): PasswordAlgorithm | undefined {
  if ((securityFeatures(nonce) & SecurityFeature.PasswordAlgorithms) === 0) {
    return PasswordAlgorithm.Md5;
  }
  const list = findAttribute(message, StunAttributeType.PasswordAlgorithms);
  const choice = findAttribute(message, StunAttributeType.PasswordAlgorithm);
  if (!list && !choice) return PasswordAlgorithm.Md5;
  if (!list || !choice) return undefined;
  try {
    const isAsOffered = decodePasswordAlgorithms(list).join() === offered.join();
    const [chosen] = decodePasswordAlgorithms(choice);
    return isAsOffered ? offered.find((algorithm) => algorithm === chosen) : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
