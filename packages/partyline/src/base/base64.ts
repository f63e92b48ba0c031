import { type RadixText, radixText } from './radix-text.ts';

const base64Url: RadixText = radixText(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  6,
);

/** RFC 4648 §5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return base64Url.encode(bytes);
}

/** `undefined` for padding, white space, another alphabet, or bits that {@link toBase64Url} leaves zero. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  return base64Url.decode(text);
}
