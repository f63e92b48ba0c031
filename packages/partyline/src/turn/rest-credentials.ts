import { toBase64Url, utf8 } from '../base/index.ts';
import type { LegacyCrypto } from '../stun/index.ts';

/** A username and password that a TURN server can check with nothing but a shared secret. */
export interface RestCredential {
  readonly username: string;
  readonly password: string;
}

/**
 * The form of draft-uberti-behave-turn-rest-00, which coturn, eturnal and pion check too: the username
 * is `EXPIRY:NAME` (seconds since 1970), the password its HMAC-SHA1 in base64.
 */
export function restCredential(
  crypto: LegacyCrypto,
  secret: string,
  expirySec: number,
  name: string,
): RestCredential {
  const username = `${Math.floor(expirySec)}:${name}`;
  return { username, password: restPassword(crypto, secret, username) };
}

export function restPassword(crypto: LegacyCrypto, secret: string, username: string): string {
  const mac = toBase64Url(crypto.hmacSha1(utf8(secret), utf8(username)));
  return `${mac.replaceAll('-', '+').replaceAll('_', '/')}=`; // 20 bytes: one letter of padding
}

/** What a REST username says; `undefined` when it is none. */
export function parseRestUsername(
  username: string,
): { readonly expirySec: number; readonly name: string } | undefined {
  const match = /^(\d{1,12}):(.+)$/su.exec(username);
  return match ? { expirySec: Number(match[1]), name: match[2] ?? '' } : undefined;
}
