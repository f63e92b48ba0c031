import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createNobleCrypto } from '../crypto/index.ts';
import { seededBytes } from '../testing/index.ts';
import { guestPlayerId, parseIdentity, tokenPlayerId } from './index.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(1) });
const key = new Uint8Array(32).fill(5);

test('a guest is g and 26 base32 characters of SHA-256(app, 0x00, key)', () => {
  const digest = createHash('sha256').update('arena\0').update(key).digest();
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const characters = bits.slice(0, 130).match(/.{5}/g) ?? [];
  const expected = characters.map((b) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(b, 2)]);
  expect(guestPlayerId(crypto, 'arena', key)).toBe(`g${expected.join('')}`);
});

test('another app, another key, or another issuer is another player', () => {
  const ids = [
    guestPlayerId(crypto, 'arena', key),
    guestPlayerId(crypto, 'arenb', key),
    guestPlayerId(crypto, 'arena', new Uint8Array(32)),
    tokenPlayerId(crypto, 'arena', 'https://issuer', 'alice'),
    tokenPlayerId(crypto, 'arena', 'https://issue', 'ralice'),
    tokenPlayerId(crypto, 'arenb', 'https://issuer', 'alice'),
    tokenPlayerId(crypto, 'arena', 'https://issuer', 'bob'),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[gu][a-z2-7]{26}$/);
});

test('an id fits the str: identity of GNS', () => {
  const id = tokenPlayerId(crypto, 'arena', 'https://issuer', 'x'.repeat(1000));
  expect(parseIdentity(`str:${id}`)).toEqual({ type: 'str', value: id });
});

test('a NUL in the issuer cannot move the border to the subject', () => {
  expect(() => tokenPlayerId(crypto, 'arena', 'a\0b', 'c')).toThrow('NUL');
});
