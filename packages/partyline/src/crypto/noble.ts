import { ed25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Crypto } from './crypto.ts';
import { KEY_BYTES, requireLength, SIGNATURE_BYTES } from './input.ts';

export interface NobleCryptoOptions {
  /** The system's generator: `crypto.getRandomValues` in a browser. */
  randomBytes(length: number): Uint8Array;
}

/** RFC 8032 rather than ZIP 215: no second spelling of a point, no key of small order. */
const strict = { zip215: false };

/** The backend in plain JavaScript, for browsers (docs/adr/0002). */
export function createNobleCrypto({ randomBytes }: NobleCryptoOptions): Crypto {
  return {
    randomBytes,
    sha256: (bytes) => sha256(bytes),
    hmacSha256: (key, bytes) => hmac(sha256, key, bytes),
    ed25519PublicKey: (seed) => {
      requireLength('Ed25519 seed', seed, KEY_BYTES);
      return ed25519.getPublicKey(seed);
    },
    ed25519Sign: (seed, message) => {
      requireLength('Ed25519 seed', seed, KEY_BYTES);
      return ed25519.sign(message, seed);
    },
    ed25519Verify: (publicKey, message, signature) =>
      publicKey.length === KEY_BYTES &&
      signature.length === SIGNATURE_BYTES &&
      ed25519.verify(signature, message, publicKey, strict),
  };
}
