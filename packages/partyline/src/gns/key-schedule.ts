import { ByteWriter, utf8 } from '../base/index.ts';
import type { Crypto, SealingCrypto } from '../crypto/index.ts';

/** What both sides know after the handshake; bytes exactly as they were sent. */
export interface KeyAgreement {
  /** Our X25519 secret and the peer's public key, 32 bytes each. */
  readonly secret: Uint8Array;
  readonly remotePublicKey: Uint8Array;
  readonly clientNonce: bigint;
  readonly serverNonce: bigint;
  readonly clientConnectionId: number;
  readonly serverConnectionId: number;
  /** Field `cert` of the signed certificate. */
  readonly clientCertBytes: Uint8Array;
  readonly serverCertBytes: Uint8Array;
  /** Field `info` of the signed crypt info. */
  readonly clientInfoBytes: Uint8Array;
  readonly serverInfoBytes: Uint8Array;
}

/** Key (32 bytes) and IV (12 bytes) of each direction. */
export interface SessionKeys {
  readonly clientToServerKey: Uint8Array;
  readonly serverToClientKey: Uint8Array;
  readonly clientToServerIv: Uint8Array;
  readonly serverToClientIv: Uint8Array;
}

const IV_BYTES = 12;
/** SHA-256. */
const HASH_BYTES = 32;

/**
 * GNS `FinishCryptoHandshake`: like HKDF, but the secret is hashed first, key and data of the
 * extraction are swapped, and the context stands in every round (docs/wire/gns.md#keys).
 */
export function deriveSessionKeys(
  crypto: Crypto & SealingCrypto,
  agreement: KeyAgreement,
): SessionKeys {
  const shared = crypto.sha256(crypto.x25519(agreement.secret, agreement.remotePublicKey));
  const salt = new ByteWriter(16)
    .u64le(agreement.serverNonce)
    .u64le(agreement.clientNonce)
    .finish();
  const prk = crypto.hmacSha256(shared, salt);
  // The hash of the round before, the context, and the round's number: all that changes stands at both ends.
  const input = new ByteWriter(1024)
    .bytes(new Uint8Array(HASH_BYTES))
    .u32le(agreement.clientConnectionId)
    .u32le(agreement.serverConnectionId)
    .bytes(utf8('Steam datagram'))
    .bytes(agreement.serverCertBytes)
    .bytes(agreement.clientCertBytes)
    .bytes(agreement.serverInfoBytes)
    .bytes(agreement.clientInfoBytes)
    .u8(1)
    .finish();
  const round = (previous: Uint8Array, counter: number): Uint8Array => {
    input.set(previous);
    input[input.length - 1] = counter;
    return crypto.hmacSha256(prk, input);
  };
  const t1 = crypto.hmacSha256(prk, input.subarray(HASH_BYTES));
  const t2 = round(t1, 2);
  const t3 = round(t2, 3);
  const t4 = round(t3, 4);
  return {
    clientToServerKey: t1,
    serverToClientKey: t2,
    clientToServerIv: t3.slice(0, IV_BYTES),
    serverToClientIv: t4.slice(0, IV_BYTES),
  };
}
