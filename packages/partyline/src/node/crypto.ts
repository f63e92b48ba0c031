import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hash,
  type JsonWebKey,
  type KeyObject,
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
  countNonces,
  isStrictEd25519Key,
  KEY_BYTES,
  requireLength,
  type SealingCrypto,
  SIGNATURE_BYTES,
} from '../crypto/index.ts';
import { openPacketGcm } from './gcm/packet-gcm.ts';
import { randomBytes } from './random.ts';
import { type Curves, openSodium } from './sodium.ts';

type Curve = 'ed25519' | 'x25519';

/** RFC 8037 §2. */
const curveNames = { ed25519: 'Ed25519', x25519: 'X25519' } as const;

/** Ed25519 and X25519 by OpenSSL. A key is parsed once for as long as its owner keeps the same array. */
export const opensslCurves: Curves = {
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
};

let curves: Curves | undefined;

/** Looked for when first needed: a program that needs no curve does not load it. */
function fastestCurves(): Curves {
  curves ??= openSodium() ?? opensslCurves;
  return curves;
}

/** Everything on `node:crypto`, and the curves by libsodium where it is installed (docs/adr/0008). */
export const nodeCrypto: Crypto & SealingCrypto = {
  randomBytes,
  sha256: (bytes) => plain(hash('sha256', bytes, 'buffer')),
  hmacSha256: (key, bytes) => plain(createHmac('sha256', key).update(bytes).digest()),
  ed25519PublicKey: (seed) => fastestCurves().ed25519PublicKey(seed),
  ed25519Sign: (seed, message) => fastestCurves().ed25519Sign(seed, message),
  ed25519Verify: (key, message, signature) =>
    fastestCurves().ed25519Verify(key, message, signature),
  x25519PublicKey: (secret) => fastestCurves().x25519PublicKey(secret),
  x25519: (secret, remote) => fastestCurves().x25519(secret, remote),
  aead: (algorithm, key) => {
    requireLength('AEAD key', key, KEY_BYTES);
    return nodeAead(algorithm, createSecretKey(key));
  },
  packetAead: (key, iv) =>
    openPacketGcm(key, iv) ?? countNonces(nodeCrypto.aead('aes-256-gcm', key), iv),
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
  // `x` has to be there but is not looked at: the public half is computed from `d`.
  const jwk = (): JsonWebKey => ({ ...jwkOf(curve), d: base64url(raw), x: '' });
  return reuse(parsed[curve].private, raw, () => createPrivateKey({ key: jwk(), format: 'jwk' }));
}

function publicKey(curve: Curve, raw: Uint8Array): KeyObject {
  requireLength('public key', raw, KEY_BYTES);
  const jwk = (): JsonWebKey => ({ ...jwkOf(curve), x: base64url(raw) });
  return reuse(parsed[curve].public, raw, () => createPublicKey({ key: jwk(), format: 'jwk' }));
}

/** Not DER: OpenSSL takes 150 to 800 µs to find out what it holds, and 30 to 50 µs for this. */
function jwkOf(curve: Curve): JsonWebKey {
  return { kty: 'OKP', crv: curveNames[curve] };
}

function base64url(raw: Uint8Array): string {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('base64url');
}

function reuse(keys: ParsedKeys, raw: Uint8Array, parse: () => KeyObject): KeyObject {
  const known = keys.get(raw);
  if (known !== undefined && Buffer.compare(known.bytes, raw) === 0) return known.key;
  const key = parse();
  keys.set(raw, { bytes: new Uint8Array(raw), key });
  return key;
}

function publicOf(key: KeyObject): Uint8Array {
  const { x = '' } = key.export({ format: 'jwk' });
  return plain(Buffer.from(x, 'base64url'));
}

/** Buffers are views into shared pools and print differently: hand out arrays of their own. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}
