import { fromUtf8, utf8 } from './text.ts';

/** Bytes as text, `bitsPerCharacter` at a time: RFC 4648 without padding. */
export interface RadixText {
  encode(bytes: Uint8Array): string;
  /** `undefined` for anything that `encode` could not have made, so that each value has one spelling. */
  decode(text: string): Uint8Array | undefined;
}

/** `alphabet` has `2 ** bitsPerCharacter` characters, all of them ASCII. */
export function radixText(alphabet: string, bitsPerCharacter: number): RadixText {
  const characters = utf8(alphabet);
  const values = new Int8Array(128).fill(-1);
  for (const [value, character] of characters.entries()) values[character] = value;
  const mask = alphabet.length - 1;
  return {
    encode: (bytes) => {
      // Decoded at once: a string added to by single characters stays a list of them, 32 bytes each.
      const text = new Uint8Array(Math.ceil((bytes.length * 8) / bitsPerCharacter));
      let length = 0;
      let pending = 0;
      let bits = 0;
      for (const byte of bytes) {
        pending = ((pending << 8) | byte) & 0xffff;
        bits += 8;
        for (; bits >= bitsPerCharacter; bits -= bitsPerCharacter) {
          text[length++] = characters[(pending >> (bits - bitsPerCharacter)) & mask] ?? 0;
        }
      }
      if (bits > 0) text[length] = characters[(pending << (bitsPerCharacter - bits)) & mask] ?? 0;
      return fromUtf8(text);
    },
    decode: (text) => {
      const bytes = new Uint8Array(Math.floor((text.length * bitsPerCharacter) / 8));
      let length = 0;
      let pending = 0;
      let bits = 0;
      for (let at = 0; at < text.length; at++) {
        const value = values[text.charCodeAt(at)] ?? -1; // beyond ASCII there is none
        if (value < 0) return undefined;
        pending = ((pending << bitsPerCharacter) | value) & 0xffff;
        bits += bitsPerCharacter;
        if (bits >= 8) {
          bits -= 8;
          bytes[length++] = pending >> bits;
        }
      }
      const isCanonical = bits < bitsPerCharacter && (pending & ((1 << bits) - 1)) === 0;
      return isCanonical ? bytes : undefined;
    },
  };
}
