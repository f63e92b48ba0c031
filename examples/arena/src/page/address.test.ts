import { expect, test } from 'vitest';
import { defaultName, readAddress } from './address.ts';

test('the address names the guest, the server, the app and the invite', () => {
  const url = new URL('http://a.test/arena/?as=bob&server=http://b.test:1&app=other#join=ABC234');
  expect(readAddress(url)).toEqual({
    as: 'bob',
    server: 'http://b.test:1',
    app: 'other',
    invite: '#join=ABC234',
  });
});

test('without anything the page plays where it came from, as itself', () => {
  expect(readAddress(new URL('http://a.test:8080/arena/#top'))).toEqual({
    as: undefined,
    server: 'http://a.test:8080',
    app: 'arena',
    invite: undefined,
  });
});

test('a name that could not be a key namespace is ignored', () => {
  expect(readAddress(new URL('http://a.test/?as=%3Cb%3E')).as).toBeUndefined();
});

test('the guest gives the default name, at most twenty characters', () => {
  expect(defaultName('alice', () => 0)).toBe('Alice');
  expect(defaultName('x'.repeat(40), () => 0)).toHaveLength(20);
  expect(defaultName(undefined, () => 0.999)).toBe('Merry Wren');
});
