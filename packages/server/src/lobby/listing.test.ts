import { codeAlphabet } from '@partyline/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomCode } from './code.ts';
import { type ListFilter, type LobbySummary, selectLobbies, summaryOf } from './listing.ts';
import { createLobby, isRefusal } from './rules.ts';
import type { LobbyState } from './state.ts';

function summary(id: string, data: Record<string, string>, members = 1): LobbySummary {
  return { id, code: 'ACDEFG', name: '', capacity: 4, data, members, ownerName: 'o' };
}

function select(lobbies: LobbySummary[], ...filters: ListFilter[]): string[] {
  return selectLobbies(lobbies, filters, 50).map(({ id }) => id);
}

const made = (patch: Partial<LobbyState>): LobbyState => {
  const owner = {
    id: 1,
    player: 'p',
    name: 'n',
    cert: 'c',
    proof: 'key',
    capabilities: [],
    data: {},
    session: 's',
    generation: 1,
  } as const;
  const settings = { type: 'public', name: '', capacity: 2, joinable: true } as const;
  const state = createLobby({
    ...settings,
    id: 'l',
    code: 'ACDEFG',
    requireKey: false,
    data: {},
    owner,
  });
  if (isRefusal(state)) throw new Error(state.message);
  return { ...state, ...patch };
};

test('public and invisible lobbies are listed; full, locked, private and friends’ ones never', () => {
  expect(summaryOf(made({}))?.members).toBe(1);
  expect(summaryOf(made({ type: 'invisible' }))).toBeDefined();
  expect(summaryOf(made({ type: 'private' }))).toBeUndefined();
  expect(summaryOf(made({ type: 'friendsOnly' }))).toBeUndefined();
  expect(summaryOf(made({ joinable: false }))).toBeUndefined();
  expect(summaryOf(made({ capacity: 1 }))).toBeUndefined();
});

test('text is compared whole; a missing key is not equal to anything', () => {
  const all = [summary('a', { map: 'ice' }), summary('b', { map: 'fire' }), summary('c', {})];
  expect(select(all, { type: 'string', key: 'map', op: 'eq', value: 'ice' })).toEqual(['a']);
  expect(select(all, { type: 'string', key: 'map', op: 'ne', value: 'ice' })).toEqual(['b', 'c']);
  expect(select(all, { type: 'string', key: 'toString', op: 'eq', value: '' })).toEqual([]);
});

test.each([
  ['lt', ['1']],
  ['le', ['1', '2']],
  ['eq', ['2']],
  ['ge', ['2', '3.5']],
  ['gt', ['3.5']],
  ['ne', ['1', '3.5']],
] as const)('number %s 2: only values that are numbers match', (op, expected) => {
  const values = ['1', '2', '3.5', '', ' 2', '0x2', 'NaN', 'Infinity'];
  const all = values.map((n) => summary(n, { n }));
  expect(select(all, { type: 'number', key: 'n', op, value: 2 })).toEqual(expected);
});

test('near sorts and does not exclude; those without the number come last', () => {
  const all = ['10', '', '3', '6'].map((n) => summary(n || 'none', { n }));
  const near: ListFilter = { type: 'near', key: 'n', value: 5 };
  expect(select(all, near)).toEqual(['6', '3', '10', 'none']);
  expect(selectLobbies(all, [near], 2).map(({ id }) => id)).toEqual(['6', '3']);
});

test('slots counts free seats', () => {
  const all = [summary('one', {}, 3), summary('three', {}, 1)];
  expect(select(all, { type: 'slots', atLeast: 2 })).toEqual(['three']);
});

test('a code has the asked length and only letters of the alphabet, whatever the random bytes', () => {
  fc.assert(
    fc.property(fc.constantFrom(4, 6), fc.infiniteStream(fc.nat(255)), (length, bytes) => {
      const code = randomCode(length, (n) =>
        Uint8Array.from({ length: n }, () => bytes.next().value ?? 0),
      );
      expect(code).toHaveLength(length);
      expect([...code].every((letter) => codeAlphabet.includes(letter))).toBe(true);
    }),
  );
});

test('each letter of a code is equally likely', () => {
  let byte = 0;
  const count = new Map<string, number>();
  for (let n = 0; n < 400; n++) {
    const code = randomCode(6, (length) => Uint8Array.from({ length }, () => byte++ % 256));
    for (const letter of code) count.set(letter, (count.get(letter) ?? 0) + 1);
  }
  const counts = [...count.values()];
  expect(count.size).toBe(codeAlphabet.length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(12);
});
