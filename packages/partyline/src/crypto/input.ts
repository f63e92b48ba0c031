import { NetError } from '../base/index.ts';

/** Bytes of each input that has one right length. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const AEAD_NONCE_BYTES = 12;
export const AEAD_TAG_BYTES = 16;

/** @throws NetError `CRYPTO_INPUT_INVALID`, naming the input and both lengths. */
export function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length === length) return;
  throw new NetError('CRYPTO_INPUT_INVALID', `${what} is ${bytes.length} bytes, not ${length}`);
}
