import { DecodeError, NetError } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import { type CertScope, intersectScopes, scopeOf, UNLIMITED_SCOPE } from './cert-scope.ts';
import { CERT_CLOCK_SKEW_SEC, caKeyId, decodeCert, type SignedCert } from './verify/index.ts';

/** Intermediate certificates that one store holds. */
export const MAX_STORE_CERTS = 1024;
/** Intermediate certificates between a root and a peer's certificate. */
export const MAX_CHAIN_LENGTH = 8;

export interface CertStoreOptions {
  /** Ed25519 keys that are trusted for everything, 32 bytes each. Default none. */
  readonly roots?: readonly Uint8Array[];
  /** Certificates that pass a root's trust on: {@link CertStore.add}. Default none. */
  readonly intermediates?: readonly Uint8Array[];
  /** Key ids ({@link caKeyId}) that nothing is believed of any more. Default none. */
  readonly revokedKeyIds?: Iterable<bigint>;
}

/** What a chain down to a peer's certificate proved. */
export interface TrustedChain {
  /** What its CA may grant; the peer's own limits are in its certificate. */
  readonly scope: CertScope;
  /** The keys that vouch for it, from its own CA to the root. */
  readonly keyIds: readonly bigint[];
}

interface Intermediate {
  readonly signed: SignedCert & { readonly ca: NonNullable<SignedCert['ca']> };
  /** `undefined` until somebody asked: the signature is checked once. */
  isGenuine: boolean | undefined;
}

interface Signer {
  readonly publicKey: Uint8Array;
  readonly isRoot: boolean;
  /** Newest first: a key can be certified again before its certificate expires. */
  readonly certs: Intermediate[];
}

/** A key's trust, or why it has none. */
type Trust = TrustedChain | string;

/**
 * Whom we believe: trusted roots, the certificates between them and peers, and the keys that were
 * taken back. GNS's certificate store: chains are installed here, peers never send them.
 */
export class CertStore {
  readonly #crypto: Crypto;
  readonly #signers = new Map<bigint, Signer>();
  readonly #revoked: Set<bigint>;
  #certCount = 0;

  /** @throws NetError `OPTIONS_INVALID` for keys of another length, `CERT_INVALID` as {@link CertStore.add} */
  constructor(
    crypto: Crypto,
    { roots = [], intermediates = [], revokedKeyIds = [] }: CertStoreOptions = {},
  ) {
    this.#crypto = crypto;
    this.#revoked = new Set(revokedKeyIds);
    for (const root of roots) {
      if (root.length !== 32) throw new NetError('OPTIONS_INVALID', 'a root key has 32 bytes');
      const publicKey = root.slice();
      this.#signers.set(caKeyId(crypto, publicKey), { publicKey, isRoot: true, certs: [] });
    }
    for (const bytes of intermediates) this.add(bytes);
  }

  /** Is there any root at all? Without one nobody is verified. */
  get hasRoots(): boolean {
    return [...this.#signers.values()].some((signer) => signer.isRoot);
  }

  /**
   * Installs an intermediate certificate. Whether its own signer is trusted is asked when it is
   * used, so the order of calls does not matter; one that is here already is left.
   * @throws NetError `CERT_INVALID` for one of a person, without signature or expiry, or malformed
   */
  add(bytes: Uint8Array): void {
    const signed = decoded(bytes);
    const { ca, cert } = signed;
    if (ca === undefined) throw invalid('it is not signed');
    if (cert.identity !== undefined) throw invalid('it is a person’s and signs for nobody');
    if (cert.timeExpirySec === undefined) throw invalid('it has no expiry');
    const keyId = caKeyId(this.#crypto, cert.publicKey);
    const signer = this.#signers.get(keyId) ?? {
      publicKey: cert.publicKey,
      isRoot: false,
      certs: [],
    };
    if (!isSame(signer.publicKey, cert.publicKey)) throw invalid('another key has its key id');
    if (signer.certs.some((known) => isSameCert(known.signed, signed))) return;
    if (this.#certCount >= MAX_STORE_CERTS) throw invalid(`the store holds ${MAX_STORE_CERTS}`);
    signer.certs.push({ signed: { ...signed, ca }, isGenuine: undefined });
    signer.certs.sort((a, b) => createdSec(b) - createdSec(a));
    this.#signers.set(keyId, signer);
    this.#certCount += 1;
  }

  /** From now on nothing is believed of this key, nor of any that it signed; there is no way back. */
  revoke(keyId: bigint): void {
    this.#revoked.add(keyId);
  }

  /**
   * Follows the certificate's signature up to a root.
   * @throws NetError `CERT_INVALID`, with why nobody trusted vouches for it
   */
  check(signed: SignedCert, nowSec: number): TrustedChain {
    const trust = this.chainOf(signed, nowSec);
    if (typeof trust === 'string') throw invalid(trust);
    return trust;
  }

  /**
   * As {@link CertStore.check}, with why there is no chain as text: where most peers have a
   * self-made certificate, an error with its stack costs more than the rest.
   */
  chainOf({ cert, certBytes, ca }: SignedCert, nowSec: number): TrustedChain | string {
    if (ca === undefined) return 'it is not signed';
    const trust = this.#trust(ca.keyId, nowSec, new Map(), 0);
    if (typeof trust === 'string') return trust;
    const signer = this.#signers.get(ca.keyId);
    if (
      signer === undefined ||
      !this.#crypto.ed25519Verify(signer.publicKey, certBytes, ca.signature)
    ) {
      return 'the signature does not verify';
    }
    const { timeCreatedSec, timeExpirySec } = cert;
    if (timeCreatedSec === undefined || timeExpirySec === undefined) {
      return 'it has no validity period';
    }
    if (nowSec >= timeExpirySec) return 'it has expired';
    if (nowSec < timeCreatedSec - CERT_CLOCK_SKEW_SEC) return 'it is from the future';
    const isRevoked = this.#revoked.has(caKeyId(this.#crypto, cert.publicKey));
    return isRevoked ? 'its own key was revoked' : trust;
  }

  /**
   * `seen` holds what is known of each key in this search: a key that is still being looked at
   * cannot vouch for itself, and none is looked at twice.
   */
  #trust(keyId: bigint, nowSec: number, seen: Map<bigint, Trust>, depth: number): Trust {
    const known = seen.get(keyId);
    if (known !== undefined) return known;
    if (this.#revoked.has(keyId)) return `CA key ${keyId} was revoked`;
    const signer = this.#signers.get(keyId);
    if (signer === undefined) return `CA key ${keyId} is not known`;
    if (signer.isRoot) return { scope: UNLIMITED_SCOPE, keyIds: [keyId] };
    if (depth >= MAX_CHAIN_LENGTH) return `the chain is longer than ${MAX_CHAIN_LENGTH}`;
    seen.set(keyId, `CA key ${keyId} signs itself in a circle`);
    let trust: Trust = `CA key ${keyId} has no certificate`;
    for (const certificate of signer.certs) {
      trust = this.#passedOn(keyId, certificate, nowSec, seen, depth);
      if (typeof trust !== 'string') break; // the newest valid one counts alone, as in GNS
    }
    seen.set(keyId, trust);
    return trust;
  }

  /** What an intermediate certificate of key `keyId` is worth. */
  #passedOn(
    keyId: bigint,
    certificate: Intermediate,
    nowSec: number,
    seen: Map<bigint, Trust>,
    depth: number,
  ): Trust {
    const { ca, cert, certBytes } = certificate.signed;
    const above = this.#trust(ca.keyId, nowSec, seen, depth + 1);
    if (typeof above === 'string') return above;
    const signer = this.#signers.get(ca.keyId);
    certificate.isGenuine ??=
      signer !== undefined && this.#crypto.ed25519Verify(signer.publicKey, certBytes, ca.signature);
    if (!certificate.isGenuine) return `CA key ${keyId} was not signed by ${ca.keyId}`;
    const scope = intersectScopes(above.scope, scopeOf(cert));
    if (nowSec >= scope.timeExpirySec) return `CA key ${keyId} or one above it has expired`;
    if (scope.appIds?.length === 0) return `CA key ${keyId} is left with no app`;
    if (scope.popIds?.length === 0) return `CA key ${keyId} is left with no data center`;
    return { scope, keyIds: [keyId, ...above.keyIds] };
  }
}

function createdSec({ signed }: Intermediate): number {
  return signed.cert.timeCreatedSec ?? 0;
}

function isSameCert(a: SignedCert, b: SignedCert): boolean {
  return a.ca?.keyId === b.ca?.keyId && isSame(a.certBytes, b.certBytes) && isSameSignature(a, b);
}

function isSameSignature({ ca: a }: SignedCert, { ca: b }: SignedCert): boolean {
  return a !== undefined && b !== undefined && isSame(a.signature, b.signature);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function decoded(bytes: Uint8Array): SignedCert {
  try {
    return decodeCert(bytes);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw invalid(cause.message, { cause });
  }
}

function invalid(why: string, options?: ErrorOptions): NetError {
  return new NetError('CERT_INVALID', `certificate refused: ${why}`, options);
}
