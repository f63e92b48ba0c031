export type { Aead, AeadAlgorithm, Crypto, PacketAead, SealingCrypto } from './crypto.ts';
export { isStrictEd25519Key } from './ed25519-key.ts';
export {
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  KEY_BYTES,
  requireLength,
  SIGNATURE_BYTES,
} from './input.ts';
export { createNobleCrypto } from './noble.ts';
export { countNonces } from './packet-aead.ts';
export { isLowOrderX25519Key } from './x25519-key.ts';
