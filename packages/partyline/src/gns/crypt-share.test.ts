import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError, ProtobufWriter } from '../base/index.ts';
import { isLowOrderX25519Key } from '../crypto/index.ts';
import {
  Cipher,
  type CryptInfo,
  decodeCryptInfo,
  decodeSignedCryptInfo,
  encodeCryptInfo,
  encodeSignedCryptInfo,
} from './index.ts';

const info: fc.Arbitrary<CryptInfo> = fc.record({
  publicKey: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .filter((key) => !isLowOrderX25519Key(key)),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  protocolVersion: fc.nat({ max: 2 ** 31 - 1 }),
  ciphers: fc.array(fc.constantFrom(Cipher.Null, Cipher.Aes256Gcm), { minLength: 1, maxLength: 8 }),
});

function decodes(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}

describe('one side’s share of the keys', () => {
  test('what is shown is what is seen', () => {
    fc.assert(
      fc.property(info, (shown) => {
        expect(decodeCryptInfo(encodeCryptInfo(shown))).toEqual(shown);
      }),
    );
  });

  test('the signed bytes are kept as they came', () => {
    fc.assert(
      fc.property(info, fc.uint8Array({ minLength: 64, maxLength: 64 }), (shown, signature) => {
        const signed = { infoBytes: encodeCryptInfo(shown), signature };
        expect(decodeSignedCryptInfo(encodeSignedCryptInfo(signed))).toEqual(signed);
      }),
    );
  });

  test('any bytes are a share or a DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodes(() => decodeCryptInfo(bytes));
        decodes(() => decodeSignedCryptInfo(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test('one wrong byte in a real share does no harm', () => {
    fc.assert(
      fc.property(info, fc.nat(), fc.nat({ max: 255 }), (shown, at, byte) => {
        const bytes = encodeCryptInfo(shown);
        bytes[at % bytes.length] = byte;
        decodes(() => decodeCryptInfo(bytes));
      }),
    );
  });

  test('ciphers: packed or not, unknown ones are as if not there, none at all means AES', () => {
    const shared = { publicKey: new Uint8Array(32).fill(9), nonce: 1n, protocolVersion: 13 };
    const plain = encodeCryptInfo({ ...shared, ciphers: [] });
    const packed = new ProtobufWriter().bytes(5, Uint8Array.of(2, 1)).finish();
    expect(decodeCryptInfo(Uint8Array.of(...plain, ...packed)).ciphers).toEqual([2, 1]);
    const ciphers = (list: number[]): readonly number[] =>
      decodeCryptInfo(encodeCryptInfo({ ...shared, ciphers: list })).ciphers;
    expect([ciphers([]), ciphers([77]), ciphers([77, 1])]).toEqual([[2], [2], [1]]);
    expect(() => ciphers(new Array(9).fill(1))).toThrow(DecodeError);
  });

  test('a key of another length or type is refused', () => {
    const made = { nonce: 1n, protocolVersion: 13, ciphers: [2] };
    const bytes = encodeCryptInfo({ ...made, publicKey: new Uint8Array(31) });
    expect(() => decodeCryptInfo(bytes)).toThrow(DecodeError);
    const other = encodeCryptInfo({ ...made, publicKey: new Uint8Array(32).fill(9) });
    other[1] = 2; // key_type
    expect(() => decodeCryptInfo(other)).toThrow(DecodeError);
  });

  test('a key of low order, with which every secret agrees on zero, is refused', () => {
    for (const publicKey of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))]) {
      const bytes = encodeCryptInfo({ publicKey, nonce: 1n, protocolVersion: 13, ciphers: [2] });
      expect(() => decodeCryptInfo(bytes)).toThrow('low order');
    }
  });
});
