import { expect, test } from 'vitest';
import { seededBytes } from '../testing/index.ts';
import {
  checkCredentials,
  gnsIceCredentials,
  gnsUfrag,
  randomIceCredentials,
} from './credentials.ts';

const crypto = { randomBytes: seededBytes(7) };

test('RFC 8445 §5.3: at least 24 random bits of ufrag, 128 of password', () => {
  const { ufrag, password } = randomIceCredentials(crypto);
  expect(ufrag).toMatch(/^[A-Za-z0-9+/]{4,}$/);
  expect(password).toMatch(/^[A-Za-z0-9+/]{22,}$/);
  expect(randomIceCredentials(crypto).password).not.toBe(password);
});

test.each([
  [0, 'AAAAA'],
  [1, 'AAAAB'],
  [0x3f, 'AAAA/'],
  [0x40, 'AAABA'],
  // 30 bits are told: bits 24 to 29, 18 to 23, …; the two highest are not.
  [0x3fffffff, '/////'],
  [0xffffffff, '/////'],
  [0x12345678, 'SNFZ4'],
])('GNS: connection id %i has ufrag %s', (id, ufrag) => {
  expect(gnsUfrag(id)).toBe(ufrag);
  const credentials = gnsIceCredentials(crypto, id);
  expect(credentials.ufrag).toBe(ufrag);
  expect(credentials.password).toMatch(/^[A-Za-z0-9+/]{5}$/);
});

test.each(['', 'a:b', 'with space', 'ü', 'x'.repeat(257)])('«%s» is no ufrag', (ufrag) => {
  expect(() => checkCredentials({ ufrag, password: 'fine' })).toThrow('ufrag');
});
