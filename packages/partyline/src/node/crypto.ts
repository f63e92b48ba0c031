import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { NetError } from '../base/index.ts';
import {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type Aead,
  type AeadAlgorithm,
  type Crypto,
  isStrictEd25519Key,
  KEY_BYTES,
  requireLength,
  type SealingCrypto,
  SIGNATURE_BYTES,
} from '../crypto/index.ts';

type Curve = 'ed25519' | 'x25519';

/** RFC 8410: DER of a raw key is one fixed prefix per curve, then the 32 bytes. */
const derPrefixes = {
  ed25519: {
    private: Buffer.from('302e020100300506032b657004220420', 'hex'),
    public: Buffer.from('302a300506032b6570032100', 'hex'),
  },
  x25519: {
    private: Buffer.from('302e020100300506032b656e04220420', 'hex'),
    public: Buffer.from('302a300506032b656e032100', 'hex'),
  },
} as const;

/** Everything on `node:crypto`. A key is parsed once for as long as its owner keeps the same array. */
export const nodeCrypto: Crypto & SealingCrypto = {
  randomBytes: (length) => plain(randomBytes(length)),
  sha256: (bytes) => plain(createHash('sha256').update(bytes).digest()),
  hmacSha256: (key, bytes) => plain(createHmac('sha256', key).update(bytes).digest()),
  ed25519PublicKey: (seed) => publicOf(privateKey('ed25519', seed)),
  ed25519Sign: (seed, message) => plain(sign(null, message, privateKey('ed25519', seed))),
  ed25519Verify: (key, message, signature) =>
    signature.length === SIGNATURE_BYTES &&
    isStrictEd25519Key(key) &&
    verify(null, message, publicKey('ed25519', key), signature),
  x25519PublicKey: (secret) => publicOf(privateKey('x25519', secret)),
  x25519: (secret, remote) => {
    const keys = {
      privateKey: privateKey('x25519', secret),
      publicKey: publicKey('x25519', remote),
    };
    try {
      return plain(diffieHellman(keys));
    } catch (cause) {
      throw new NetError('CRYPTO_INPUT_INVALID', 'X25519 public key has low order', { cause });
    }
  },
  aead: (algorithm, key) => {
    requireLength('AEAD key', key, KEY_BYTES);
    return nodeAead(algorithm, createSecretKey(key));
  },
};

function nodeAead(algorithm: AeadAlgorithm, key: KeyObject): Aead {
  // Node's types know authTagLength for each cipher by its own overload; GCM's fits both of ours.
  const name = algorithm as 'aes-256-gcm';
  const options = { authTagLength: AEAD_TAG_BYTES };
  return {
    seal: (nonce, plaintext, associated) => {
      requireLength('AEAD nonce', nonce, AEAD_NONCE_BYTES);
      const cipher = createCipheriv(name, key, nonce, options);
      if (associated !== undefined) cipher.setAAD(associated);
      const sealed = new Uint8Array(plaintext.length + AEAD_TAG_BYTES);
      sealed.set(cipher.update(plaintext));
      cipher.final();
      sealed.set(cipher.getAuthTag(), plaintext.length);
      return sealed;
    },
    open: (nonce, sealed, associated) => {
      requireLength('AEAD nonce', nonce, AEAD_NONCE_BYTES);
      const length = sealed.length - AEAD_TAG_BYTES;
      if (length < 0) return undefined;
      const decipher = createDecipheriv(name, key, nonce, options);
      if (associated !== undefined) decipher.setAAD(associated);
      decipher.setAuthTag(sealed.subarray(length));
      const plaintext = plain(decipher.update(sealed.subarray(0, length)));
      try {
        decipher.final();
      } catch {
        return undefined; // the tag does not verify
      }
      return plaintext;
    },
  };
}

/** Parsing costs as much as signing, so it is done once per array; `bytes` proves it unchanged. */
type ParsedKeys = WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly key: KeyObject }>;

const parsed: Readonly<
  Record<Curve, { readonly private: ParsedKeys; readonly public: ParsedKeys }>
> = {
  ed25519: { private: new WeakMap(), public: new WeakMap() },
  x25519: { private: new WeakMap(), public: new WeakMap() },
};

function privateKey(curve: Curve, raw: Uint8Array): KeyObject {
  requireLength(curve === 'ed25519' ? 'Ed25519 seed' : 'X25519 secret', raw, KEY_BYTES);
  return reuse(parsed[curve].private, raw, () => {
    const der = Buffer.concat([derPrefixes[curve].private, raw]);
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  });
}

function publicKey(curve: Curve, raw: Uint8Array): KeyObject {
  requireLength('public key', raw, KEY_BYTES);
  return reuse(parsed[curve].public, raw, () => {
    const der = Buffer.concat([derPrefixes[curve].public, raw]);
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  });
}

function reuse(keys: ParsedKeys, raw: Uint8Array, parse: () => KeyObject): KeyObject {
  const known = keys.get(raw);
  if (known !== undefined && Buffer.compare(known.bytes, raw) === 0) return known.key;
  const key = parse();
  keys.set(raw, { bytes: new Uint8Array(raw), key });
  return key;
}

function publicOf(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return plain(der.subarray(der.length - KEY_BYTES));
}

/** Buffers are views into shared pools and print differently: hand out arrays of their own. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}
