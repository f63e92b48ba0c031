import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { NetError } from '../../base/index.ts';
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type Aead,
  countNonces,
  KEY_BYTES,
  requireLength,
  type SealingCrypto,
} from '../index.ts';

const algorithms = { 'aes-256-gcm': gcm, 'chacha20-poly1305': chacha20poly1305 } as const;

/** The backend in plain JavaScript; a door of its own, so that a page loads it only when it relays. */
export const nobleSealing: SealingCrypto = {
  x25519PublicKey: (secret) => {
    requireLength('X25519 secret', secret, KEY_BYTES);
    return x25519.getPublicKey(secret);
  },
  x25519: (secret, publicKey) => {
    requireLength('X25519 secret', secret, KEY_BYTES);
    requireLength('X25519 public key', publicKey, KEY_BYTES);
    try {
      return x25519.getSharedSecret(secret, publicKey);
    } catch (cause) {
      throw new NetError('CRYPTO_INPUT_INVALID', 'X25519 public key has low order', { cause });
    }
  },
  aead: (algorithm, key) => {
    requireLength('AEAD key', key, KEY_BYTES);
    return nobleAead(algorithms[algorithm], key.slice());
  },
  packetAead: (key, iv) => countNonces(nobleSealing.aead('aes-256-gcm', key), iv),
};

function nobleAead(cipher: (typeof algorithms)[keyof typeof algorithms], key: Uint8Array): Aead {
  return {
    seal: (nonce, plaintext, associated) => {
      requireLength('AEAD nonce', nonce, AEAD_NONCE_BYTES);
      return cipher(key, nonce, associated).encrypt(plaintext);
    },
    open: (nonce, sealed, associated) => {
      requireLength('AEAD nonce', nonce, AEAD_NONCE_BYTES);
      if (sealed.length < AEAD_TAG_BYTES) return undefined;
      const opener = cipher(key, nonce, associated);
      try {
        return opener.decrypt(sealed);
      } catch {
        return undefined; // lengths are checked above: what is left to fail is the tag
      }
    },
  };
}
