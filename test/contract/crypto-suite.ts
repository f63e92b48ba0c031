import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNetError, type NetErrorCode } from '../../packages/partyline/src/base/index.ts';
import {
  type Aead,
  type AeadAlgorithm,
  type Crypto,
  isLowOrderX25519Key,
  type SealingCrypto,
} from '../../packages/partyline/src/crypto/index.ts';
import {
  aeadVectors,
  ed25519Vectors,
  hex,
  hmacVectors,
  lowOrderX25519,
  sha256Vectors,
  smallOrderEd25519,
  x25519Vectors,
} from './crypto-vectors.ts';

export type Backend = Crypto & SealingCrypto;

const algorithms: readonly AeadAlgorithm[] = ['aes-256-gcm', 'chacha20-poly1305'];
/** Neither 32, 64 nor 12. */
const wrongLengths = [0, 1, 11, 13, 31, 33, 63, 65];
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** What every backend promises. A new backend adds a call and no test of its own kind. */
export function describeCrypto(name: string, crypto: Backend): void {
  describe(`crypto on ${name}`, () => {
    describeHashes(crypto);
    describeSignatures(crypto);
    describeKeyAgreement(crypto);
    for (const algorithm of algorithms) describeAead(crypto, algorithm);
  });
}

function describeHashes(crypto: Backend): void {
  test.each(sha256Vectors)('FIPS 180-4: SHA-256 of %j', (message, digest) => {
    expect(crypto.sha256(new TextEncoder().encode(message))).toEqual(hex(digest));
  });

  test.each(hmacVectors)('RFC 4231 §4: HMAC-SHA-256 $name', ({ key, message, mac }) => {
    expect(crypto.hmacSha256(hex(key), hex(message))).toEqual(hex(mac));
  });

  test('random bytes have the length asked for and do not repeat', () => {
    expect(crypto.randomBytes(0)).toHaveLength(0);
    const drawn = Array.from({ length: 20 }, () => crypto.randomBytes(16).join());
    expect(new Set(drawn).size).toBe(20);
  });
}

function describeSignatures(crypto: Backend): void {
  test.each(ed25519Vectors)('RFC 8032 §7.1: $name', ({ seed, publicKey, message, signature }) => {
    expect(crypto.ed25519PublicKey(hex(seed))).toEqual(hex(publicKey));
    expect(crypto.ed25519Sign(hex(seed), hex(message))).toEqual(hex(signature));
    expect(crypto.ed25519Verify(hex(publicKey), hex(message), hex(signature))).toBe(true);
  });

  test('a changed bit in key, message or signature does not verify', () => {
    fc.assert(
      fc.property(bytes32, fc.uint8Array({ minLength: 1 }), fc.nat(), (seed, message, at) => {
        const publicKey = crypto.ed25519PublicKey(seed);
        const signature = crypto.ed25519Sign(seed, message);
        expect(crypto.ed25519Verify(publicKey, flip(message, at), signature)).toBe(false);
        expect(crypto.ed25519Verify(publicKey, message, flip(signature, at))).toBe(false);
        expect(crypto.ed25519Verify(flip(publicKey, at), message, signature)).toBe(false);
      }),
      { numRuns: 15 },
    );
  });

  test('RFC 8032 §5.1.7: S is below the group order, so a signature has one spelling', () => {
    const [vector] = ed25519Vectors;
    const doubled = addGroupOrder(hex(vector.signature));
    expect(crypto.ed25519Verify(hex(vector.publicKey), hex(vector.message), doubled)).toBe(false);
  });

  test.each(smallOrderEd25519)('the key of small order %s signs nothing', (key) => {
    // With A of small order, R = B and S = 1 satisfies the equation for one message in eight.
    const signature = hex(`58${'66'.repeat(31)}01${'00'.repeat(31)}`);
    const messages = Array.from({ length: 32 }, (_, i) => Uint8Array.of(i));
    expect(messages.some((m) => crypto.ed25519Verify(hex(key), m, signature))).toBe(false);
  });

  test('hostile keys and signatures are false, never an exception', () => {
    const any = fc.uint8Array({ maxLength: 80 });
    const key = fc.oneof(any, bytes32);
    const signature = fc.oneof(any, fc.uint8Array({ minLength: 64, maxLength: 64 }));
    fc.assert(
      fc.property(key, any, signature, (publicKey, message, sig) => {
        expect(crypto.ed25519Verify(publicKey, message, sig)).toBe(false);
      }),
    );
  });

  test.each(wrongLengths)('a seed of %i bytes is refused', (length) => {
    const seed = new Uint8Array(length);
    refuses('CRYPTO_INPUT_INVALID', () => crypto.ed25519PublicKey(seed));
    refuses('CRYPTO_INPUT_INVALID', () => crypto.ed25519Sign(seed, seed));
  });

  test('a seed array used again with other content is another key', () => {
    const seed = new Uint8Array(32);
    const before = crypto.ed25519Sign(seed, seed.slice(0, 1));
    const key = crypto.ed25519PublicKey(seed);
    expect(crypto.ed25519Verify(key, seed.slice(0, 1), before)).toBe(true);
    seed.fill(7);
    expect(crypto.ed25519PublicKey(seed)).not.toEqual(key);
    key.set(crypto.ed25519PublicKey(seed));
    expect(crypto.ed25519Verify(key, new Uint8Array(1), before)).toBe(false);
  });
}

function describeKeyAgreement(crypto: Backend): void {
  test.each(x25519Vectors)('RFC 7748: $name', ({ secret, publicKey, shared }) => {
    expect(crypto.x25519(hex(secret), hex(publicKey))).toEqual(hex(shared));
  });

  test('RFC 7748 §6.1: both sides get one secret', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (a, b) => {
        const fromA = crypto.x25519(a, crypto.x25519PublicKey(b));
        expect(crypto.x25519(b, crypto.x25519PublicKey(a))).toEqual(fromA);
      }),
      { numRuns: 15 },
    );
  });

  test.each(lowOrderX25519)('RFC 7748 §6.1: the low-order point %s is refused', (point) => {
    const spellings = [hex(point), hex(point)];
    for (const [i, key] of spellings.entries()) {
      key[31] = (key[31] ?? 0) | (i * 0x80); // §5: the top bit does not count
      refuses('CRYPTO_INPUT_INVALID', () => crypto.x25519(new Uint8Array(32).fill(1), key));
      expect(isLowOrderX25519Key(key)).toBe(true);
    }
  });

  test('no key that somebody made is of low order', () => {
    fc.assert(
      fc.property(bytes32, (secret) => {
        expect(isLowOrderX25519Key(crypto.x25519PublicKey(secret))).toBe(false);
      }),
      { numRuns: 15 },
    );
  });

  test.each(wrongLengths)('a secret or public key of %i bytes is refused', (length) => {
    const [wrong, right] = [new Uint8Array(length).fill(9), new Uint8Array(32).fill(9)];
    refuses('CRYPTO_INPUT_INVALID', () => crypto.x25519PublicKey(wrong));
    refuses('CRYPTO_INPUT_INVALID', () => crypto.x25519(wrong, right));
    refuses('CRYPTO_INPUT_INVALID', () => crypto.x25519(right, wrong));
  });
}

function describeAead(crypto: Backend, algorithm: AeadAlgorithm): void {
  describe(algorithm, () => {
    test.each(aeadVectors[algorithm])('$name', ({ key, nonce, plaintext, associated, sealed }) => {
      const aead = crypto.aead(algorithm, hex(key));
      expect(aead.seal(hex(nonce), hex(plaintext), hex(associated))).toEqual(hex(sealed));
      expect(aead.open(hex(nonce), hex(sealed), hex(associated))).toEqual(hex(plaintext));
    });

    test('one changed or missing bit anywhere and it does not open', () => {
      const any = fc.uint8Array({ minLength: 1, maxLength: 64 });
      fc.assert(
        fc.property(bytes32, any, any, fc.nat(), (key, plaintext, associated, at) => {
          const aead = crypto.aead(algorithm, key);
          const nonce = key.subarray(0, 12);
          const sealed = aead.seal(nonce, plaintext, associated);
          expect(aead.open(nonce, sealed, associated)).toEqual(plaintext);
          expect(aead.open(nonce, flip(sealed, at), associated)).toBeUndefined();
          expect(aead.open(nonce, sealed, flip(associated, at))).toBeUndefined();
          expect(aead.open(nonce, sealed)).toBeUndefined();
          expect(aead.open(flip(nonce, at), sealed, associated)).toBeUndefined();
          expect(aead.open(nonce, sealed.subarray(1), associated)).toBeUndefined();
          expect(aead.open(nonce, sealed.subarray(0, at % 16), associated)).toBeUndefined();
        }),
      );
    });

    test('it keeps nothing of what it is given', () => {
      const key = new Uint8Array(32).fill(3);
      const nonce = new Uint8Array(12);
      const plaintext = Uint8Array.of(1, 2, 3);
      const aead = crypto.aead(algorithm, key);
      key.fill(0);
      const sealed = aead.seal(nonce, plaintext);
      plaintext.fill(0);
      const fresh: Aead = crypto.aead(algorithm, new Uint8Array(32).fill(3));
      expect(fresh.open(nonce, sealed)).toEqual(Uint8Array.of(1, 2, 3));
      expect(sealed).toHaveLength(3 + 16);
    });

    test.each(wrongLengths)('a key or nonce of %i bytes is refused', (length) => {
      const aead = crypto.aead(algorithm, new Uint8Array(32));
      const wrong = new Uint8Array(length);
      refuses('CRYPTO_INPUT_INVALID', () => crypto.aead(algorithm, wrong));
      refuses('CRYPTO_INPUT_INVALID', () => aead.seal(wrong, new Uint8Array(1)));
      refuses('CRYPTO_INPUT_INVALID', () => aead.open(wrong, new Uint8Array(20)));
    });
  });
}

/** What one backend makes the other takes, and both say the same of the same bytes. */
export function describeAgreement(a: Backend, b: Backend): void {
  const message = fc.uint8Array({ maxLength: 200 });

  test('what one signs the other verifies, byte for byte the same', () => {
    fc.assert(
      fc.property(bytes32, message, (seed, text) => {
        const signature = a.ed25519Sign(seed, text);
        expect(b.ed25519Sign(seed, text)).toEqual(signature);
        expect(a.ed25519PublicKey(seed)).toEqual(b.ed25519PublicKey(seed));
        expect(b.ed25519Verify(a.ed25519PublicKey(seed), text, signature)).toBe(true);
        expect(a.ed25519Verify(b.ed25519PublicKey(seed), text, signature)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('what one seals the other opens, byte for byte the same', () => {
    fc.assert(
      fc.property(bytes32, bytes32, message, message, (x, y, plaintext, associated) => {
        const key = a.x25519(x, b.x25519PublicKey(y));
        expect(b.x25519(y, a.x25519PublicKey(x))).toEqual(key);
        for (const algorithm of algorithms) {
          const nonce = x.subarray(0, 12);
          const sealed = a.aead(algorithm, key).seal(nonce, plaintext, associated);
          expect(b.aead(algorithm, key).seal(nonce, plaintext, associated)).toEqual(sealed);
          expect(b.aead(algorithm, key).open(nonce, sealed, associated)).toEqual(plaintext);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('hashes are the same', () => {
    fc.assert(
      fc.property(message, message, (key, text) => {
        expect(a.sha256(text)).toEqual(b.sha256(text));
        expect(a.hmacSha256(key, text)).toEqual(b.hmacSha256(key, text));
      }),
    );
  });
}

function refuses(code: NetErrorCode, call: () => unknown): void {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(isNetError(thrown, code), `expected ${code}, got ${String(thrown)}`).toBe(true);
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  const index = (at >> 3) % copy.length;
  copy[index] = (copy[index] ?? 0) ^ (1 << (at & 7));
  return copy;
}

/** S + L: the same point equation, another spelling. */
function addGroupOrder(signature: Uint8Array): Uint8Array {
  const order = hex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
  const copy = signature.slice();
  let carry = 0;
  for (const [i, byte] of order.entries()) {
    const sum = (copy[32 + i] ?? 0) + byte + carry;
    copy[32 + i] = sum & 0xff;
    carry = sum >> 8;
  }
  return copy;
}
