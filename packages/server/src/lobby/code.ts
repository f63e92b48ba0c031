import { codeAlphabet } from '@partyline/protocol';

/** Bytes from here on would make the first letters likelier than the last. */
const FAIR_BELOW = 256 - (256 % codeAlphabet.length);

/** A code of equally likely letters. */
export function randomCode(length: number, randomBytes: (length: number) => Uint8Array): string {
  let code = '';
  while (code.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < FAIR_BELOW && code.length < length) {
        code += codeAlphabet[byte % codeAlphabet.length];
      }
    }
  }
  return code;
}
