import { type RadixText, radixText } from './radix-text.ts';

const base32: RadixText = radixText('abcdefghijklmnopqrstuvwxyz234567', 5);

/** RFC 4648 §6 in lower case, without padding: what player ids are written in. */
export function toBase32(bytes: Uint8Array): string {
  return base32.encode(bytes);
}

/** `undefined` for padding, upper case, another alphabet, or bits that {@link toBase32} leaves zero. */
export function fromBase32(text: string): Uint8Array | undefined {
  return base32.decode(text);
}
