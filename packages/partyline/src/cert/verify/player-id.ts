import { NetError, toBase32, utf8 } from '../../base/index.ts';
import type { Crypto } from '../../crypto/index.ts';

/** Base32 characters after the first letter: 130 bits, and 27 characters fit GNS's 31 of `str:`. */
export const PLAYER_ID_CHARACTERS = 26;

/** `g` and a hash of app and key: the id proves itself to whoever sees the key. */
export function guestPlayerId(crypto: Crypto, app: string, publicKey: Uint8Array): string {
  const name = utf8(app);
  const hashed = new Uint8Array(name.length + 1 + publicKey.length); // the byte between them is 0
  hashed.set(name);
  hashed.set(publicKey, name.length + 1);
  return playerId(crypto, 'g', hashed);
}

/**
 * `u` and a hash of app, issuer and subject: another app sees another id of the same person.
 * @throws NetError `OPTIONS_INVALID` when app or issuer holds a NUL, which would let two players share an id.
 */
export function tokenPlayerId(
  crypto: Crypto,
  app: string,
  issuer: string,
  subject: string,
): string {
  if (app.includes('\0') || issuer.includes('\0')) {
    throw new NetError('OPTIONS_INVALID', 'app and issuer cannot hold a NUL');
  }
  return playerId(crypto, 'u', utf8(`${app}\0${issuer}\0${subject}`));
}

function playerId(crypto: Crypto, kind: string, hashed: Uint8Array): string {
  return kind + toBase32(crypto.sha256(hashed)).slice(0, PLAYER_ID_CHARACTERS);
}
