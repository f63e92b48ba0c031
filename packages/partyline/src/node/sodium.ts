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

/** libsodium's secret key: the seed and the public key. */
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

function sodiumCurves(sodium: Sodium): Curves {
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

/** Made once for as long as its owner keeps the same seed array: it costs more than a signature. */
interface KeyPair {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}
