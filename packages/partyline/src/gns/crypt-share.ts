import { DecodeError, ProtobufWriter } from '../base/index.ts';
import { isLowOrderX25519Key } from '../crypto/index.ts';
import { Fields } from './fields.ts';

/** GNS `ESteamNetworkingSocketsCipher`. */
export const Cipher = { Null: 1, Aes256Gcm: 2 } as const;
export type Cipher = (typeof Cipher)[keyof typeof Cipher];

/** Numbers of the protobuf enum; any other is as if it were not there. */
const KNOWN_CIPHERS: readonly number[] = [0, Cipher.Null, Cipher.Aes256Gcm];
const KEY_TYPE_CURVE25519 = 1;
const MAX_CIPHERS = 8;

/** CMsgSteamDatagramSessionCryptInfo: one side's share of the key agreement. */
export interface CryptInfo {
  /** X25519, 32 bytes; one that was decoded has no low order, so that agreeing on keys cannot fail. */
  readonly publicKey: Uint8Array;
  /** Random. */
  readonly nonce: bigint;
  readonly protocolVersion: number;
  /** The client's in its order of preference; the server answers with exactly one. */
  readonly ciphers: readonly number[];
}

/** CMsgSteamDatagramSessionCryptInfoSigned. */
export interface SignedCryptInfo {
  /** Exactly what was signed: signature and key derivation are over these bytes. */
  readonly infoBytes: Uint8Array;
  readonly signature: Uint8Array;
}

export function encodeCryptInfo(info: CryptInfo): Uint8Array {
  const writer = new ProtobufWriter()
    .varint(1, KEY_TYPE_CURVE25519)
    .bytes(2, info.publicKey)
    .fixed64(3, info.nonce)
    .varint(4, info.protocolVersion);
  for (const cipher of info.ciphers) writer.varint(5, cipher);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeCryptInfo(bytes: Uint8Array): CryptInfo {
  const fields = new Fields(bytes);
  const publicKey = fields.need(2, 'bytes');
  const numbers = fields.numbers(5);
  if (fields.need(1, 'varint') !== KEY_TYPE_CURVE25519 || publicKey.length !== 32) {
    throw new DecodeError('WIRE_MALFORMED', 'session key', 0);
  }
  if (isLowOrderX25519Key(publicKey)) {
    throw new DecodeError('WIRE_MALFORMED', 'session key of low order', 0);
  }
  if (numbers.length > MAX_CIPHERS) throw new DecodeError('WIRE_MALFORMED', 'ciphers', 0);
  const ciphers = numbers.filter((cipher) => KNOWN_CIPHERS.includes(cipher));
  return {
    publicKey,
    nonce: fields.need(3, 'fixed64'),
    protocolVersion: fields.get(4, 'varint') ?? 0,
    // A peer from before the list existed means AES.
    ciphers: ciphers.length === 0 ? [Cipher.Aes256Gcm] : ciphers,
  };
}

export function encodeSignedCryptInfo(signed: SignedCryptInfo): Uint8Array {
  return new ProtobufWriter().bytes(1, signed.infoBytes).bytes(2, signed.signature).finish();
}

/** @throws DecodeError */
export function decodeSignedCryptInfo(bytes: Uint8Array): SignedCryptInfo {
  const fields = new Fields(bytes);
  return { infoBytes: fields.need(1, 'bytes'), signature: fields.need(2, 'bytes') };
}
