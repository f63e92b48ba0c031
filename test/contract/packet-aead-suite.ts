import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PacketAead, SealingCrypto } from '../../packages/partyline/src/crypto/index.ts';
import { aeadVectors, hex } from './crypto-vectors.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Whole words of 0xff show carries between them. */
const iv = fc.oneof(
  fc.uint8Array({ minLength: 12, maxLength: 12 }),
  fc.constantFrom('ffffffffffffffff01020304', 'feffffff0000000000000000').map(hex),
);
const text = fc.uint8Array({ maxLength: 1300, size: 'max' });
/** Steps from one packet number to the next: in order, lost, late, again, a long pause. */
const step = fc.oneof(fc.constant(1), fc.integer({ min: -40, max: 40 }), fc.nat(2 ** 33));

/** What every backend's packet protection promises; `reference` is another backend's plain AEAD. */
export function describePacketAead(
  name: string,
  crypto: SealingCrypto,
  reference: SealingCrypto,
): void {
  describe(`packet protection on ${name}`, () => {
    test.each(aeadVectors['aes-256-gcm'].filter(({ associated }) => associated === ''))(
      '$name',
      ({ key, nonce, plaintext, sealed }) => {
        const aead = crypto.packetAead(hex(key), hex(nonce));
        expect(sealOne(aead, 0, hex(plaintext))).toEqual(hex(sealed));
        expect(aead.open(0, hex(sealed))?.slice()).toEqual(hex(plaintext));
      },
    );

    test('every length is AES-256-GCM with the number added to the IV, in any order of numbers', () => {
      const packets = fc.array(fc.tuple(step, text), { minLength: 1, maxLength: 60 });
      fc.assert(
        fc.property(bytes32, iv, packets, (key, start, list) => {
          const [sealer, opener] = [crypto.packetAead(key, start), crypto.packetAead(key, start)];
          const plain = reference.aead('aes-256-gcm', key);
          let number = 1;
          for (const [by, plaintext] of list) {
            number = Math.max(0, number + by);
            const sealed = plain.seal(nonceOf(start, number), plaintext);
            expect(sealOne(sealer, number, plaintext)).toEqual(sealed);
            expect(opener.open(number, sealed)?.slice()).toEqual(plaintext);
          }
        }),
      );
    });

    test('long runs, with keys in turn and pauses between', () => {
      const [a, b] = [1, 2].map((n) => {
        const parts = [new Uint8Array(32).fill(n), new Uint8Array(12).fill(n)] as const;
        return { sealer: crypto.packetAead(...parts), opener: crypto.packetAead(...parts) };
      });
      for (let number = 1; number < 400; number++) {
        for (const pair of [a, b]) {
          const plaintext = new Uint8Array((number * 37) % 1231).fill(number);
          const sealed = sealOne(pair?.sealer, number, plaintext);
          if (number % 50 === 0) pair?.opener.release();
          expect(pair?.opener.open(number, sealed)).toEqual(plaintext);
        }
      }
    });

    test('many keys in turn, short packets and long ones: each is its own', () => {
      const pairs = Array.from({ length: 40 }, (_, n) => {
        const parts = [new Uint8Array(32).fill(n), new Uint8Array(12).fill(n)] as const;
        const [sealer, opener] = [crypto.packetAead(...parts), crypto.packetAead(...parts)];
        return { sealer, opener, plain: reference.aead('aes-256-gcm', parts[0]), start: parts[1] };
      });
      for (let number = 1; number < 6; number++) {
        for (const { sealer, opener, plain, start } of pairs) {
          const plaintext = new Uint8Array(number * 60).fill(number);
          const sealed = sealOne(sealer, number, plaintext);
          expect(sealed).toEqual(plain.seal(nonceOf(start, number), plaintext));
          expect(opener.open(number, sealed)).toEqual(plaintext);
        }
      }
    });

    test('one changed or missing bit, or another number, and it does not open', () => {
      fc.assert(
        fc.property(bytes32, iv, text, fc.nat(), (key, start, plaintext, at) => {
          const aead = crypto.packetAead(key, start);
          const sealed = sealOne(aead, 7, plaintext);
          const changed = sealed.slice();
          const index = (at >> 3) % changed.length;
          changed[index] = (changed[index] ?? 0) ^ (1 << (at & 7));
          expect(aead.open(7, changed)).toBeUndefined();
          expect(aead.open(8, sealed)).toBeUndefined();
          expect(aead.open(7, sealed.subarray(1))).toBeUndefined();
          expect(aead.open(7, sealed.subarray(0, at % 16))).toBeUndefined();
          expect(aead.open(7, sealed)).toEqual(plaintext);
        }),
      );
    });

    test('it seals inside of what it is given, and changes nothing else there', () => {
      const target = new Uint8Array(100).fill(9);
      const aead = crypto.packetAead(new Uint8Array(32), new Uint8Array(12));
      expect(aead.seal(1, Uint8Array.of(1, 2, 3), target, 10)).toBe(19);
      expect(target.subarray(0, 10)).toEqual(new Uint8Array(10).fill(9));
      expect(target.subarray(29)).toEqual(new Uint8Array(71).fill(9));
    });

    test('a packet longer than any datagram of ours is not opened', () => {
      const aead = crypto.packetAead(new Uint8Array(32), new Uint8Array(12));
      expect(aead.open(1, new Uint8Array(65_507))).toBeUndefined();
    });
  });
}

function sealOne(aead: PacketAead | undefined, number: number, plaintext: Uint8Array): Uint8Array {
  const target = new Uint8Array(plaintext.length + 16);
  const length = aead?.seal(number, plaintext, target, 0);
  expect(length).toBe(target.length);
  return target;
}

function nonceOf(start: Uint8Array, number: number): Uint8Array {
  const nonce = start.slice();
  const view = new DataView(nonce.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, view.getBigUint64(0, true) + BigInt(number)), true);
  return nonce;
}
