import { ByteReader, DecodeError, NetError } from '../../base/index.ts';
import type { Crypto } from '../../crypto/index.ts';
import { decodeCert, type SignedCert } from './cert.ts';

/** A certificate may be this much younger than our clock says, in seconds: clocks differ. */
export const CERT_CLOCK_SKEW_SEC = 60;

export interface VerifyCertOptions {
  /** The app's CA, 32 bytes. */
  readonly caPublicKey: Uint8Array;
  /** Seconds since 1970. */
  readonly nowSec: number;
  /** Who it must be, as `str:…`. Default: whoever it is, but somebody. */
  readonly identity?: string;
}

/** What a certificate proved. */
export interface VerifiedCert {
  readonly identity: string;
  /** Ed25519, 32 bytes: the session key. */
  readonly publicKey: Uint8Array;
  /** Seconds since 1970. */
  readonly timeExpirySec: number;
}

/**
 * One level: signed by this CA, in time, with an identity (and the one asked for).
 * @throws NetError `CERT_INVALID`, and nothing else, for any bytes.
 */
export function verifyCert(
  crypto: Crypto,
  bytes: Uint8Array,
  options: VerifyCertOptions,
): VerifiedCert {
  const { claims, certBytes, signature } = readCert(crypto, bytes, options);
  if (!crypto.ed25519Verify(options.caPublicKey, certBytes, signature)) {
    throw invalid('the signature does not verify');
  }
  return claims;
}

/**
 * All that {@link verifyCert} looks at but the signature: proves nothing to anybody. For the holder
 * of a certificate, who wants to know whether it is the one asked for.
 * @throws NetError `CERT_INVALID`, and nothing else, for any bytes.
 */
export function readCertClaims(
  crypto: Crypto,
  bytes: Uint8Array,
  options: VerifyCertOptions,
): VerifiedCert {
  return readCert(crypto, bytes, options).claims;
}

function readCert(
  crypto: Crypto,
  bytes: Uint8Array,
  { caPublicKey, nowSec, identity }: VerifyCertOptions,
): { claims: VerifiedCert; certBytes: Uint8Array; signature: Uint8Array } {
  const { cert, certBytes, ca } = decode(bytes);
  if (ca === undefined) throw invalid('it is not signed');
  if (ca.keyId !== caKeyId(crypto, caPublicKey)) throw invalid('another CA signed it');
  const { timeCreatedSec, timeExpirySec } = cert;
  if (timeCreatedSec === undefined || timeExpirySec === undefined) {
    throw invalid('it has no validity period');
  }
  if (nowSec >= timeExpirySec) throw invalid('it has expired');
  if (nowSec < timeCreatedSec - CERT_CLOCK_SKEW_SEC) throw invalid('it is from the future');
  if (cert.identity === undefined) throw invalid('it names nobody');
  if (identity !== undefined && identity !== cert.identity) throw invalid('it names another');
  const claims = { identity: cert.identity, publicKey: cert.publicKey, timeExpirySec };
  return { claims, certBytes, signature: ca.signature };
}

/** How certificates name their CA: the first 8 bytes of SHA-256 of its key, little endian. */
export function caKeyId(crypto: Crypto, caPublicKey: Uint8Array): bigint {
  return new ByteReader(crypto.sha256(caPublicKey)).u64le();
}

function decode(bytes: Uint8Array): SignedCert {
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
