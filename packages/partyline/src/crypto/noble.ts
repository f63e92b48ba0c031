import { getPublicKey, hashes, sign, verify } from '@noble/ed25519';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import type { Crypto } from './crypto.ts';
import { KEY_BYTES, requireLength, SIGNATURE_BYTES } from './input.ts';

export interface NobleCryptoOptions {
  /** The system's generator: `crypto.getRandomValues` in a browser. */
  randomBytes(length: number): Uint8Array;
}

/** RFC 8032 rather than ZIP 215: no second spelling of a point, no key of small order. */
const strict = { zip215: false };

/**
 * The backend in plain JavaScript, for browsers (docs/adr/0002). Ed25519 is the single-curve
 * edition: 7 KiB gzip less than the general one, in a page that counts 30.
 */
export function createNobleCrypto({ randomBytes }: NobleCryptoOptions): Crypto {
  // The library brings no hash; a copy that the game set up already does the same.
  hashes.sha512 ??= sha512;
  return {
    randomBytes,
    sha256: (bytes) => sha256(bytes),
    hmacSha256: (key, bytes) => hmac(sha256, key, bytes),
    ed25519PublicKey: (seed) => {
      requireLength('Ed25519 seed', seed, KEY_BYTES);
      return getPublicKey(seed);
    },
    ed25519Sign: (seed, message) => {
      requireLength('Ed25519 seed', seed, KEY_BYTES);
      return sign(message, seed);
    },
    ed25519Verify: (publicKey, message, signature) =>
      publicKey.length === KEY_BYTES &&
      signature.length === SIGNATURE_BYTES &&
      verify(signature, message, publicKey, strict),
  };
}
