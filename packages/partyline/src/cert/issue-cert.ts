import { NetError, ProtobufWriter, utf8 } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import { parseIdentity, printIdentity } from './identity.ts';
import {
  type Cert,
  caKeyId,
  KEY_TYPE_ED25519,
  MAX_CERT_APP_IDS,
  MAX_CERT_POP_IDS,
  type SignedCert,
} from './verify/index.ts';

export interface IssueCertOptions {
  /** In its one spelling, as `str:…`. */
  readonly identity: string;
  /** The session's Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Default `[0]`: what stock GNS compares with. */
  readonly appIds?: readonly number[];
  /** Seconds since 1970. */
  readonly timeCreatedSec: number;
  /** Seconds since 1970. */
  readonly timeExpirySec: number;
  /** {@link caKeyId} of `caSeed`'s public key, for who signs often. Default: computed. */
  readonly caKeyId?: bigint;
}

/**
 * A certificate signed by `caSeed`, ready to send.
 * @throws NetError `OPTIONS_INVALID` on what {@link verifyCert} or GNS would refuse.
 */
export function issueCert(
  crypto: Crypto,
  caSeed: Uint8Array,
  options: IssueCertOptions,
): Uint8Array {
  const { identity, publicKey, appIds = [0], timeCreatedSec, timeExpirySec } = options;
  if (publicKey.length !== 32) throw invalid(`publicKey is ${publicKey.length} bytes, not 32`);
  requireIdentity(identity);
  // GNS refuses an identity without app ids: CheckCertAppID, end reason 4003.
  if (appIds.length === 0 || appIds.length > MAX_CERT_APP_IDS || !appIds.every(isU32)) {
    throw invalid(`appIds takes 1 to ${MAX_CERT_APP_IDS} 32-bit numbers`);
  }
  requirePeriod(timeCreatedSec, timeExpirySec);
  const cert = { identity, publicKey, appIds, timeCreatedSec, timeExpirySec };
  return sign(crypto, caSeed, cert, options.caKeyId);
}

export interface IssueCaCertOptions {
  /** The Ed25519 key that may sign from now on, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** What it may sign for. Default: every app that its own signer may. */
  readonly appIds?: readonly number[];
  /** Data centers it may sign for. Default: as for apps. */
  readonly popIds?: readonly number[];
  /** Seconds since 1970. */
  readonly timeCreatedSec: number;
  /** Seconds since 1970. */
  readonly timeExpirySec: number;
}

/**
 * An intermediate certificate for {@link CertStore.add}: it names nobody and passes trust on.
 * @throws NetError `OPTIONS_INVALID`
 */
export function issueCaCert(
  crypto: Crypto,
  signerSeed: Uint8Array,
  { publicKey, appIds = [], popIds = [], timeCreatedSec, timeExpirySec }: IssueCaCertOptions,
): Uint8Array {
  if (publicKey.length !== 32) throw invalid(`publicKey is ${publicKey.length} bytes, not 32`);
  if (appIds.length > MAX_CERT_APP_IDS || !appIds.every(isU32)) {
    throw invalid(`appIds takes 0 to ${MAX_CERT_APP_IDS} 32-bit numbers`);
  }
  if (popIds.length > MAX_CERT_POP_IDS || !popIds.every(isU32)) {
    throw invalid(`popIds takes 0 to ${MAX_CERT_POP_IDS} 32-bit numbers`);
  }
  requirePeriod(timeCreatedSec, timeExpirySec);
  return sign(crypto, signerSeed, { publicKey, appIds, popIds, timeCreatedSec, timeExpirySec });
}

function sign(
  crypto: Crypto,
  seed: Uint8Array,
  cert: Cert,
  keyId: bigint = caKeyId(crypto, crypto.ed25519PublicKey(seed)),
): Uint8Array {
  const certBytes = encodeCert(cert);
  const signature = crypto.ed25519Sign(seed, certBytes);
  return encodeSignedCert({ certBytes, ca: { keyId, signature } });
}

/** The inner bytes, fields ascending as C++ protobuf writes them. */
export function encodeCert(cert: Cert): Uint8Array {
  const writer = new ProtobufWriter().varint(1, KEY_TYPE_ED25519).bytes(2, cert.publicKey);
  for (const popId of cert.popIds ?? []) writer.fixed32(5, popId);
  if (cert.timeCreatedSec !== undefined) writer.fixed32(8, cert.timeCreatedSec);
  if (cert.timeExpirySec !== undefined) writer.fixed32(9, cert.timeExpirySec);
  for (const appId of cert.appIds) writer.varint(10, appId);
  if (cert.identity !== undefined) writer.bytes(12, utf8(cert.identity));
  return writer.finish();
}

/** Without `ca`: the self-made certificate that stock GNS sends. */
export function encodeSignedCert({
  certBytes,
  ca,
}: Pick<SignedCert, 'certBytes' | 'ca'>): Uint8Array {
  const writer = new ProtobufWriter().bytes(4, certBytes);
  if (ca !== undefined) writer.fixed64(5, ca.keyId).bytes(6, ca.signature);
  return writer.finish();
}

function requireIdentity(text: string): void {
  const identity = parseIdentity(text);
  if (identity === undefined || printIdentity(identity) !== text) {
    throw invalid('identity is not str:, gen:, ip: or steamid: in its one spelling');
  }
}

function requirePeriod(timeCreatedSec: number, timeExpirySec: number): void {
  if (!isU32(timeCreatedSec) || !isU32(timeExpirySec) || timeExpirySec <= timeCreatedSec) {
    throw invalid('times are whole 32-bit seconds, and it expires after it was made');
  }
}

function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

function invalid(why: string): NetError {
  return new NetError('OPTIONS_INVALID', `no certificate issued: ${why}`);
}
