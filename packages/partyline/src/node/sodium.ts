import { createRequire } from 'node:module';
import { NetError } from '../base/index.ts';
import {
  type Crypto,
  isStrictEd25519Key,
  KEY_BYTES,
  requireLength,
  type SealingCrypto,
  SIGNATURE_BYTES,
} from '../crypto/index.ts';

export type Curves = Pick<Crypto, 'ed25519PublicKey' | 'ed25519Sign' | 'ed25519Verify'> &
  Pick<SealingCrypto, 'x25519PublicKey' | 'x25519'>;

/** What is used of `sodium-native`: libsodium, whose names these are. Outputs come first. */
interface Sodium {
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_verify_detached(
    signature: Uint8Array,
    message: Uint8Array,
    publicKey: Uint8Array,
  ): boolean;
  crypto_scalarmult_base(publicKey: Uint8Array, secret: Uint8Array): void;
  /** Throws for a public key of low order. */
  crypto_scalarmult(shared: Uint8Array, secret: Uint8Array, publicKey: Uint8Array): void;
}

/** libsodium's secret key: the seed, then the public key. */
const SECRET_KEY_BYTES = 64;

/** Ed25519 and X25519 by libsodium, or `undefined` where the optional package is not installed, or has no build for this machine. */
export function openSodium(): Curves | undefined {
  try {
    // Not an import: only this one gives its answer at once, and "it is not there" is an answer.
    return sodiumCurves(createRequire(import.meta.url)('sodium-native') as Sodium);
  } catch {
    return undefined;
  }
}

/**
 * libsodium signs with the same arrays each time: one that native code has seen costs three times
 * the memory, and a client keeps its keys for long.
 */
function sodiumCurves(sodium: Sodium): Curves {
  const known = new WeakMap<Uint8Array, Uint8Array>();
  const signingKey = new Uint8Array(SECRET_KEY_BYTES);
  const verifyKey = new Uint8Array(KEY_BYTES);
  const signed = new Uint8Array(SIGNATURE_BYTES);
  /** Made once for as long as its owner keeps the same seed array: it costs more than a signature. */
  const secretKeyOf = (seed: Uint8Array): Uint8Array => {
    requireLength('Ed25519 seed', seed, KEY_BYTES);
    const made = known.get(seed);
    if (made && seed.every((byte, at) => byte === made[at])) return made;
    sodium.crypto_sign_seed_keypair(verifyKey, signingKey, new Uint8Array(seed));
    const fresh = new Uint8Array(signingKey);
    signingKey.fill(0);
    known.set(seed, fresh);
    return fresh;
  };
  return {
    ed25519PublicKey: (seed) => secretKeyOf(seed).slice(KEY_BYTES),
    ed25519Sign: (seed, message) => {
      signingKey.set(secretKeyOf(seed));
      sodium.crypto_sign_detached(signed, message, signingKey);
      signingKey.fill(0);
      return new Uint8Array(signed);
    },
    ed25519Verify: (publicKey, message, signature) =>
      signature.length === SIGNATURE_BYTES &&
      isStrictEd25519Key(publicKey) &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
    x25519PublicKey: (secret) => {
      requireLength('X25519 secret', secret, KEY_BYTES);
      const publicKey = new Uint8Array(KEY_BYTES);
      sodium.crypto_scalarmult_base(publicKey, secret);
      return publicKey;
    },
    x25519: (secret, publicKey) => {
      requireLength('X25519 secret', secret, KEY_BYTES);
      requireLength('X25519 public key', publicKey, KEY_BYTES);
      const shared = new Uint8Array(KEY_BYTES);
      try {
        sodium.crypto_scalarmult(shared, secret, publicKey);
      } catch (cause) {
        throw new NetError('CRYPTO_INPUT_INVALID', 'X25519 public key has low order', { cause });
      }
      return shared;
    },
  };
}
