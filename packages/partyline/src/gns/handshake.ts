import { DecodeError, isNetError } from '../base/index.ts';
import {
  decodeCert,
  encodeCert,
  encodeSignedCert,
  type Identity,
  type JudgeCertOptions,
  judgeCert,
  parseIdentity,
  printIdentity,
  type SignedCert,
} from '../cert/index.ts';
import type { Crypto, SealingCrypto } from '../crypto/index.ts';
import {
  type CryptInfo,
  decodeCryptInfo,
  decodeSignedCryptInfo,
  encodeCryptInfo,
  encodeSignedCryptInfo,
} from './crypt-share.ts';
import { EndReason } from './end-reason.ts';
import type { Credentials } from './messages.ts';
import type { ResolvedGnsOptions } from './options.ts';
import { MIN_PROTOCOL_VERSION, PROTOCOL_VERSION } from './protocol.ts';

export type GnsCrypto = Crypto & SealingCrypto;

/** Nobody in particular: the peer puts our address in its place. */
export const ANONYMOUS_IDENTITY = 'ip:::1';

/** Who we are, and the key that proves it. */
export interface LocalIdentity {
  readonly identity: string;
  /** Ed25519 seed of the certificate's key, 32 bytes. */
  readonly seed: Uint8Array;
  /** CMsgSteamDatagramCertificateSigned. */
  readonly cert: Uint8Array;
}

/** A certificate nobody signed, as stock GNS makes one (`SetLocalCertUnsigned`). */
export function selfMadeIdentity(crypto: Crypto, identity: string, appId = 0): LocalIdentity {
  const seed = crypto.randomBytes(32);
  const publicKey = crypto.ed25519PublicKey(seed);
  const certBytes = encodeCert({ identity, publicKey, appIds: [appId] });
  return { identity, seed, cert: encodeSignedCert({ certBytes }) };
}

/** Our own certificate is shown many times and read once. */
const shownCerts = new WeakMap<Uint8Array, SignedCert>();

function shownCert(bytes: Uint8Array): SignedCert {
  const shown = shownCerts.get(bytes) ?? decodeCert(bytes);
  shownCerts.set(bytes, shown);
  return shown;
}

/** Why a handshake was refused, in GNS's words and number. */
export class HandshakeRefusal extends Error {
  readonly reason: number;

  constructor(reason: number, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Our half of the key agreement of one connection. */
export interface LocalHandshake {
  readonly secret: Uint8Array;
  readonly nonce: bigint;
  readonly certBytes: Uint8Array;
  readonly infoBytes: Uint8Array;
  readonly credentials: Credentials;
}

/** Makes and signs our session key. */
export function makeHandshake(
  crypto: GnsCrypto,
  local: LocalIdentity,
  ciphers: readonly number[],
): LocalHandshake {
  const secret = crypto.randomBytes(32);
  const nonceBytes = crypto.randomBytes(8);
  const nonce = new DataView(nonceBytes.buffer, nonceBytes.byteOffset).getBigUint64(0, true);
  const infoBytes = encodeCryptInfo({
    publicKey: crypto.x25519PublicKey(secret),
    nonce,
    protocolVersion: PROTOCOL_VERSION,
    ciphers,
  });
  const signature = crypto.ed25519Sign(local.seed, infoBytes);
  const { certBytes, cert } = shownCert(local.cert);
  return {
    secret,
    nonce,
    certBytes,
    infoBytes,
    credentials: {
      cert: local.cert,
      crypt: encodeSignedCryptInfo({ infoBytes, signature }),
      ...(cert.identity === undefined ? { identity: local.identity } : {}),
    },
  };
}

/** What the peer showed, checked. */
export interface RemoteHandshake {
  readonly identity: string;
  /** A trusted CA vouches for the identity; otherwise the peer only claims it. */
  readonly isVerified: boolean;
  /** Why nobody vouches for it, where IP_AllowWithoutAuth is 1: the log is to hear of it. */
  readonly warning: string | undefined;
  readonly certBytes: Uint8Array;
  readonly infoBytes: Uint8Array;
  readonly info: CryptInfo;
}

export interface RemoteChecks {
  readonly options: ResolvedGnsOptions;
  /** Seconds since 1970. */
  readonly nowSec: number;
  /** `ip:address:port`, put in the place of an anonymous identity. */
  readonly addressIdentity: () => string;
  readonly isLoopback: boolean;
}

/**
 * GNS `RecvCryptoHandshake`: certificate, identity, app id, signature, version.
 * @throws HandshakeRefusal
 */
export function checkRemote(
  crypto: Crypto,
  shown: Credentials,
  checks: RemoteChecks,
): RemoteHandshake {
  const signed = decoded('certificate', () => decodeCert(shown.cert));
  const { infoBytes, signature } = decoded('crypt info', () => decodeSignedCryptInfo(shown.crypt));
  const { chain, doubt, isWarned } = judged(signed, checks);
  const identity = identityOf(shown, signed, checks);
  if (!crypto.ed25519Verify(signed.cert.publicKey, infoBytes, signature)) {
    throw new HandshakeRefusal(EndReason.RemoteBadCrypt, 'Invalid signature of the crypt info');
  }
  const info = decoded('crypt info', () => decodeCryptInfo(infoBytes));
  if (info.protocolVersion < MIN_PROTOCOL_VERSION) {
    throw new HandshakeRefusal(
      EndReason.RemoteBadProtocolVersion,
      `Peer is running old software and needs to be updated.  (V${info.protocolVersion}, >=V${MIN_PROTOCOL_VERSION} is required)`,
    );
  }
  return {
    identity,
    isVerified: chain !== undefined,
    warning: isWarned ? doubt : undefined,
    certBytes: signed.certBytes,
    infoBytes,
    info,
  };
}

const unsignedPolicies = ['reject', 'warn', 'allow'] as const;

function judged(
  signed: SignedCert,
  { options, nowSec, isLoopback }: RemoteChecks,
): ReturnType<typeof judgeCert> {
  const { allowWithoutAuth, localHostAllowWithoutAuth, certStore: store, appId } = options;
  // GNS `GetIPAllowWithoutAuth`.
  const allowed = isLoopback
    ? Math.max(allowWithoutAuth, localHostAllowWithoutAuth)
    : allowWithoutAuth;
  const unsigned: JudgeCertOptions['unsigned'] = unsignedPolicies[allowed] ?? 'reject';
  try {
    return judgeCert(signed, { store, unsigned, appId, nowSec });
  } catch (error) {
    if (!isNetError(error, 'CERT_INVALID')) throw error;
    throw new HandshakeRefusal(EndReason.RemoteBadCert, error.message);
  }
}

function identityOf(shown: Credentials, signed: SignedCert, checks: RemoteChecks): string {
  const inCert = signed.cert.identity;
  const text = inCert ?? shown.identity ?? ANONYMOUS_IDENTITY;
  const identity = parseIdentity(text);
  if (identity === undefined) {
    throw new HandshakeRefusal(EndReason.RemoteBadCert, `Bad identity ${JSON.stringify(text)}`);
  }
  if (identity.type === 'ip') {
    if (isLocalHost(identity)) return checks.addressIdentity();
    if (inCert === undefined) {
      throw new HandshakeRefusal(EndReason.RemoteBadCert, 'Cannot use specific IP address.');
    }
  }
  return printIdentity(identity);
}

const LOOPBACK_V6: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

function isLocalHost(identity: Extract<Identity, { type: 'ip' }>): boolean {
  const { address, port } = identity;
  const loopback = address.length === 4 ? [127, 0, 0, 1] : LOOPBACK_V6;
  return port === 0 && loopback.every((byte, i) => address[i] === byte);
}

function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new HandshakeRefusal(EndReason.RemoteBadCrypt, `Malformed ${what}: ${error.message}`);
  }
}
