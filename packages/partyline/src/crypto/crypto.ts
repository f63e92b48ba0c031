/**
 * Hashes, signatures and randomness: what logins, certificates and signed envelopes need.
 * Synchronous (docs/adr): WebCrypto costs a promise and 45 µs a call.
 */
export interface Crypto {
  /** From the system's generator. */
  randomBytes(length: number): Uint8Array;
  /** 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** 32 bytes. */
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** RFC 8032; the seed is the 32-byte private key. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  /** 64 bytes. */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** False for anything that is not a valid signature, wrong lengths included; never throws. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Key agreement and authenticated encryption: what GNS and the relay wire need on top. */
export interface SealingCrypto {
  /** RFC 7748; the secret is 32 bytes. */
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  /** The raw shared secret. @throws NetError `CRYPTO_INPUT_INVALID` on a low-order point. */
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /** 32-byte key, 12-byte nonce, 16-byte tag. */
  aead(algorithm: AeadAlgorithm, key: Uint8Array): Aead;
  /** AES-256-GCM for the packets of one direction; key and IV as for {@link SealingCrypto.aead}. */
  packetAead(key: Uint8Array, iv: Uint8Array): PacketAead;
}

export type AeadAlgorithm = 'aes-256-gcm' | 'chacha20-poly1305';

/** Both keep nothing of what they are given and return fresh bytes. */
export interface Aead {
  /** The ciphertext with its tag at the end. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, associated?: Uint8Array): Uint8Array;
  /** `undefined` when the tag does not verify. */
  open(nonce: Uint8Array, sealed: Uint8Array, associated?: Uint8Array): Uint8Array | undefined;
}

/**
 * One key for many numbered packets: the nonce is the IV with the number added to its first 64 bits,
 * little endian, wrapping. Cheap for each packet, cheapest for consecutive numbers.
 */
export interface PacketAead {
  /** Puts the ciphertext with its tag at `at` of `target`; returns its length. */
  seal(number: number, plaintext: Uint8Array, target: Uint8Array, at: number): number;
  /** `undefined` when the tag does not verify. The plaintext stays only until the next call of any. */
  open(number: number, sealed: Uint8Array): Uint8Array | undefined;
  /** Gives back memory that a pause does not need. */
  release(): void;
}
