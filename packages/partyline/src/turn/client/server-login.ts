import { DecodeError, fromUtf8, utf8 } from '../../base/index.ts';
import {
  decodePasswordAlgorithms,
  encodeStun,
  findAttribute,
  type IntegrityAlgorithm,
  longTermKey,
  PasswordAlgorithm,
  passwordAlgorithm,
  SecurityFeature,
  type StunAttribute,
  StunAttributeType,
  type StunCrypto,
  type StunMessage,
  securityFeatures,
  userhash,
  withMessageIntegrity,
} from '../../stun/index.ts';
import type { RestCredential } from '../rest-credentials.ts';

/** RFC 8489 §14.9, §14.10: fewer than 128 characters. */
const MAX_TEXT_BYTES = 763;
const known: ReadonlySet<number> = new Set(Object.values(PasswordAlgorithm));

/** How a request proved its password, and so how its response must be. */
export interface Proof {
  readonly key: Uint8Array;
  readonly integrity: IntegrityAlgorithm;
}

interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  /** Username or its hash, realm, nonce, and the algorithms as they were offered. */
  readonly attributes: readonly StunAttribute[];
  readonly proof: Proof;
}

/** Long-term credentials, client side, with one server: RFC 8489 §9.2.3 and §9.2.5. */
export class ServerLogin {
  readonly #crypto: StunCrypto;
  readonly #credential: RestCredential;
  #challenge: Challenge | undefined;

  constructor(crypto: StunCrypto, credential: RestCredential) {
    this.#crypto = crypto;
    this.#credential = credential;
  }

  get realm(): string | undefined {
    return this.#challenge?.realm;
  }

  /** The bytes of a request; without a proof as long as the server has not challenged us. */
  prove(request: StunMessage): { readonly bytes: Uint8Array; readonly proof: Proof | undefined } {
    if (!this.#challenge) return { bytes: encodeStun(request), proof: undefined };
    const { attributes, proof } = this.#challenge;
    const plain = encodeStun({ ...request, attributes: [...request.attributes, ...attributes] });
    const bytes = withMessageIntegrity(this.#crypto, plain, proof.key, proof.integrity);
    return { bytes, proof };
  }

  /** Takes what a 401 or 438 says. False for one that makes no sense: as if it had not come. */
  learn(challenge: StunMessage): boolean {
    const realm = textOf(challenge, StunAttributeType.Realm) ?? this.#challenge?.realm;
    const nonce = textOf(challenge, StunAttributeType.Nonce);
    if (realm === undefined || nonce === undefined) return false;
    const features = securityFeatures(nonce);
    const offered = findAttribute(challenge, StunAttributeType.PasswordAlgorithms);
    const hasAlgorithms = (features & SecurityFeature.PasswordAlgorithms) !== 0;
    // The nonce says that there is a list: somebody on the way has taken it out (§9.2.5).
    if (hasAlgorithms && !offered) return false;
    const algorithm = hasAlgorithms && offered ? firstKnown(offered) : PasswordAlgorithm.Md5;
    if (algorithm === undefined) return false;
    const { username, password } = this.#credential;
    const isAnonymous = (features & SecurityFeature.UsernameAnonymity) !== 0;
    const attributes: StunAttribute[] = [
      isAnonymous
        ? { type: StunAttributeType.Userhash, value: userhash(this.#crypto, username, realm) }
        : { type: StunAttributeType.Username, value: utf8(username) },
      { type: StunAttributeType.Realm, value: utf8(realm) },
      { type: StunAttributeType.Nonce, value: utf8(nonce) },
    ];
    if (hasAlgorithms && offered) {
      attributes.push({ type: StunAttributeType.PasswordAlgorithms, value: offered });
      attributes.push(passwordAlgorithm(algorithm));
    }
    const key = longTermKey(this.#crypto, { username, realm, password }, algorithm);
    const integrity = hasAlgorithms ? 'sha256' : 'sha1';
    this.#challenge = { realm, nonce, attributes, proof: { key, integrity } };
    return true;
  }
}

/** The server names the better one first: RFC 8489 §14.11. */
function firstKnown(offered: Uint8Array): PasswordAlgorithm | undefined {
  try {
    const algorithm = decodePasswordAlgorithms(offered).find((number) => known.has(number));
    return algorithm as PasswordAlgorithm | undefined; // one of the known
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function textOf(message: StunMessage, type: number): string | undefined {
  const value = findAttribute(message, type);
  if (!value || value.length === 0 || value.length > MAX_TEXT_BYTES) return undefined;
  try {
    return fromUtf8(value);
  } catch {
    return undefined;
  }
}
