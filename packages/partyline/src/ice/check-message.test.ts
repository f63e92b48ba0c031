import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import { decodeStun, findAttribute, StunAttributeType, StunClass } from '../stun/index.ts';
import { IceAttributeType } from './attributes.ts';
import {
  decodeCheck,
  decodeUsername,
  type EncodedCheck,
  encodeCheck,
  encodeCheckError,
  encodeCheckSuccess,
  isAuthentic,
  unknownInCheck,
} from './check-message.ts';

const hash = (name: string) => (bytes: Uint8Array) =>
  new Uint8Array(createHash(name).update(bytes).digest());
const hmac = (name: string) => (key: Uint8Array, bytes: Uint8Array) =>
  new Uint8Array(createHmac(name, key).update(bytes).digest());
const crypto = {
  md5: hash('md5'),
  sha256: hash('sha256'),
  hmacSha1: hmac('sha1'),
  hmacSha256: hmac('sha256'),
};
const password = 'asecretof22characters!';

const checks: fc.Arbitrary<EncodedCheck> = fc
  .record({
    receiverUfrag: fc.stringMatching(/^[A-Za-z0-9+/]{1,32}$/),
    senderUfrag: fc.stringMatching(/^[A-Za-z0-9+/]{1,32}$/),
    priority: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    role: fc.constantFrom('controlling' as const, 'controlled' as const),
    tieBreaker: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    nomination: fc.option(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { nil: undefined }),
    transactionId: fc.uint8Array({ minLength: 12, maxLength: 12 }),
    dialect: fc.constantFrom('standard' as const, 'gns' as const),
  })
  .map((check) => ({ ...check, isNominating: check.nomination !== undefined }));

test('a check says the same on the other side, and proves the password', () => {
  fc.assert(
    fc.property(checks, (check) => {
      const bytes = encodeCheck(crypto, check, password);
      const message = decodeStun(bytes);
      const { transactionId, dialect, ...said } = check;
      const nomination = dialect === 'gns' ? undefined : said.nomination;
      expect(decodeCheck(message)).toEqual({ ...said, nomination });
      expect(message.transactionId).toEqual(transactionId);
      expect(isAuthentic(crypto, bytes, message, password)).toBe(true);
      expect(isAuthentic(crypto, bytes, message, `${password}.`)).toBe(false);
      expect(unknownInCheck(message)).toEqual([]);
    }),
  );
});

test('no bit of a check can be changed on the way', () => {
  fc.assert(
    fc.property(checks, fc.nat(), fc.integer({ min: 0, max: 7 }), (check, at, bit) => {
      const bytes = encodeCheck(crypto, check, password);
      const index = at % (bytes.length - 8); // FINGERPRINT at its end is for nobody but who looks for STUN
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      try {
        expect(isAuthentic(crypto, bytes, decodeStun(bytes), password)).toBe(false);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});

test('GNS: a check has the attributes of its native client, in its order', () => {
  const check: EncodedCheck = {
    receiverUfrag: 'AAAAB',
    senderUfrag: 'AAAAC',
    priority: 1,
    role: 'controlling',
    tieBreaker: 5n,
    isNominating: true,
    nomination: 7,
    transactionId: new Uint8Array(12),
    dialect: 'gns',
  };
  const { attributes } = decodeStun(encodeCheck(crypto, check, 'abcde'));
  expect(attributes.map(({ type }) => type)).toEqual([0x06, 0x24, 0x802a, 0x25, 0x08, 0x8028]);
});

test('an answer tells where the check came from; GNS hears its USERNAME again', () => {
  const from = { host: '2001:db8::7', port: 4711 };
  fc.assert(
    fc.property(checks, (check) => {
      const request = decodeStun(encodeCheck(crypto, check, password));
      const bytes = encodeCheckSuccess(crypto, request, from, password, check.dialect);
      const answer = decodeStun(bytes);
      expect(answer.class).toBe(StunClass.Success);
      expect(isAuthentic(crypto, bytes, answer, password)).toBe(true);
      const username = findAttribute(answer, StunAttributeType.Username);
      expect(username !== undefined).toBe(check.dialect === 'gns');
    }),
  );
});

test.each([0, 100, 200, 1199, 1200, 1300])('filled up to %i bytes, as far as that goes', (size) => {
  fc.assert(
    fc.property(checks, (check) => {
      const plain = encodeCheck(crypto, check, password).length;
      const { length } = encodeCheck(crypto, { ...check, fillToBytes: size }, password);
      expect(length).toBe(size >= plain + 4 ? size & ~3 : plain);
    }),
    { numRuns: 20 },
  );
});

test('a refusal names what is not understood', () => {
  const check = fc.sample(checks, 1)[0];
  if (check === undefined) throw new Error('no sample');
  const request = decodeStun(encodeCheck(crypto, check, password));
  const strange = { type: 0x0042, value: new Uint8Array(4) };
  const asked = { ...request, attributes: [strange, ...request.attributes] };
  expect(unknownInCheck(asked)).toEqual([0x42]);
  const bytes = encodeCheckError(crypto, asked, { code: 420, reason: '' }, password, [0x42]);
  expect(decodeStun(bytes).class).toBe(StunClass.Error);
});

test('attributes behind the MAC are not looked at', () => {
  const check = { ...(fc.sample(checks, 1)[0] as EncodedCheck), isNominating: false };
  const message = decodeStun(encodeCheck(crypto, { ...check, nomination: undefined }, password));
  const forged = { type: IceAttributeType.UseCandidate, value: new Uint8Array(0) };
  const asked = { ...message, attributes: [...message.attributes, forged] };
  expect(decodeCheck(asked).isNominating).toBe(false);
});

test('hostile attributes give only DecodeError', () => {
  const type = fc.oneof(fc.constantFrom(6, 8, 0x24, 0x25, 0x8029, 0x802a, 0xc001), fc.nat(0xffff));
  const attribute = fc.record({ type, value: fc.uint8Array({ maxLength: 600 }) });
  const attributes = fc.array(attribute, { maxLength: 8 });
  fc.assert(
    fc.property(
      attributes,
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      (list, transactionId) => {
        const message = { class: StunClass.Request, method: 1, transactionId, attributes: list };
        for (const decode of [decodeCheck, decodeUsername]) {
          try {
            decode(message);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});
