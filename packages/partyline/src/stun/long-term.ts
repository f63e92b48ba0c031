import { ByteReader, ByteWriter, DecodeError, utf8 } from '../base/index.ts';
import { StunAttributeType } from './attributes.ts';
import type { StunCrypto } from './integrity.ts';
import type { StunAttribute } from './message.ts';

/** RFC 8489 §18.5: how the key is made of the password. */
export const PasswordAlgorithm = { Md5: 1, Sha256: 2 } as const;
export type PasswordAlgorithm = (typeof PasswordAlgorithm)[keyof typeof PasswordAlgorithm];

/** Who somebody says to be, as the key is made of it: RFC 8489 §9.2.2. */
export interface LongTermCredential {
  readonly username: string;
  readonly realm: string;
  readonly password: string;
}

/** RFC 8489 §9.2.2: 16 bytes for MD5, 32 for SHA-256. */
export function longTermKey(
  crypto: StunCrypto,
  { username, realm, password }: LongTermCredential,
  algorithm: PasswordAlgorithm,
): Uint8Array {
  const text = utf8(`${username}:${opaqueString(realm)}:${opaqueString(password)}`);
  return algorithm === PasswordAlgorithm.Md5 ? crypto.md5(text) : crypto.sha256(text);
}

/** RFC 8489 §14.4: stands in for USERNAME, so that listeners do not see it. 32 bytes. */
export function userhash(crypto: StunCrypto, username: string, realm: string): Uint8Array {
  return crypto.sha256(utf8(`${opaqueString(username)}:${opaqueString(realm)}`));
}

/** RFC 8265 §4.2 (OpaqueString), as far as it changes a text: other spaces become a space, then NFC. */
export function opaqueString(text: string): string {
  return text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
}

/** RFC 8489 §9.2: a nonce that begins so says by its next four letters what the server can do. */
export const NONCE_COOKIE = 'obMatJos2';
/** Bits of the three bytes behind the cookie, most significant first: RFC 8489 §18.1. */
export const SecurityFeature = {
  PasswordAlgorithms: 0x80_00_00,
  UsernameAnonymity: 0x40_00_00,
} as const;

const base64Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The cookie and the features, 13 letters; what makes the nonce unique follows. */
export function nonceCookie(features: number): string {
  let text = NONCE_COOKIE;
  for (let shift = 18; shift >= 0; shift -= 6) text += base64Letters[(features >> shift) & 63];
  return text;
}

/** The features that a nonce announces; 0 when it has no cookie. */
export function securityFeatures(nonce: string): number {
  if (!nonce.startsWith(NONCE_COOKIE)) return 0;
  const letters = nonce.slice(NONCE_COOKIE.length, NONCE_COOKIE.length + 4);
  if (!/^[A-Za-z0-9+/]{4}$/.test(letters)) return 0;
  return [...letters].reduce((bits, letter) => (bits << 6) | base64Letters.indexOf(letter), 0);
}

/** PASSWORD-ALGORITHMS: RFC 8489 §14.11. Neither algorithm has parameters. */
export function passwordAlgorithms(algorithms: readonly number[]): StunAttribute {
  const value = new ByteWriter(4 * algorithms.length);
  for (const algorithm of algorithms) value.u16be(algorithm).u16be(0);
  return { type: StunAttributeType.PasswordAlgorithms, value: value.finish() };
}

/** PASSWORD-ALGORITHM: RFC 8489 §14.12. */
export function passwordAlgorithm(algorithm: number): StunAttribute {
  return {
    type: StunAttributeType.PasswordAlgorithm,
    value: new ByteWriter(4).u16be(algorithm).u16be(0).finish(),
  };
}

/** Reads PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS. @throws DecodeError on a cut entry, or on none. */
export function decodePasswordAlgorithms(value: Uint8Array): number[] {
  const reader = new ByteReader(value);
  const algorithms: number[] = [];
  while (reader.remaining > 0) {
    algorithms.push(reader.u16be('algorithm'));
    const length = reader.u16be('length of parameters');
    reader.bytes(length, 'parameters');
    reader.bytes(Math.min(-length & 3, reader.remaining), 'padding');
  }
  if (algorithms.length === 0) throw new DecodeError('WIRE_MALFORMED', 'no algorithm', 0);
  return algorithms;
}
