export type { Aead, AeadAlgorithm, Crypto, SealingCrypto } from './crypto.ts';
