import { createRequire } from 'node:module';
import {
  type Crypto,
  isStrictEd25519Key,
  KEY_BYTES,
  requireLength,
  SIGNATURE_BYTES,
} from '../crypto/index.ts';

export type Ed25519 = Pick<Crypto, 'ed25519PublicKey' | 'ed25519Sign' | 'ed25519Verify'>;

/** What is used of `sodium-native`: libsodium, whose names these are. Outputs come first. */
interface Sodium {
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_verify_detached(
    signature: Uint8Array,
    message: Uint8Array,
    publicKey: Uint8Array,
  ): boolean;
}

/** libsodium's secret key: the seed and the public key. */
const SECRET_KEY_BYTES = 64;

/** Ed25519 by libsodium, or `undefined` where the optional package is not installed, or has no build for this machine. */
export function openSodium(): Ed25519 | undefined {
  try {
    // Not an import: only this one gives its answer at once, and "it is not there" is an answer.
    return sodiumEd25519(createRequire(import.meta.url)('sodium-native') as Sodium);
  } catch {
    return undefined;
  }
}

function sodiumEd25519(sodium: Sodium): Ed25519 {
  const known = new WeakMap<Uint8Array, KeyPair>();
  const keyPair = (seed: Uint8Array): KeyPair => {
    requireLength('Ed25519 seed', seed, KEY_BYTES);
    const made = known.get(seed);
    if (made && Buffer.compare(made.seed, seed) === 0) return made;
    const pair = {
      seed: new Uint8Array(seed),
      publicKey: new Uint8Array(KEY_BYTES),
      secretKey: new Uint8Array(SECRET_KEY_BYTES),
    };
    sodium.crypto_sign_seed_keypair(pair.publicKey, pair.secretKey, pair.seed);
    known.set(seed, pair);
    return pair;
  };
  return {
    ed25519PublicKey: (seed) => keyPair(seed).publicKey.slice(),
    ed25519Sign: (seed, message) => {
      const signature = new Uint8Array(SIGNATURE_BYTES);
      sodium.crypto_sign_detached(signature, message, keyPair(seed).secretKey);
      return signature;
    },
    ed25519Verify: (publicKey, message, signature) =>
      signature.length === SIGNATURE_BYTES &&
      isStrictEd25519Key(publicKey) &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
  };
}

/** Made once for as long as its owner keeps the same seed array: it costs more than a signature. */
interface KeyPair {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}
