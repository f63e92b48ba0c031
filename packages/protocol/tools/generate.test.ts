import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
// What the SDK runs, held against what it was made from.
import * as client from '../../partyline/src/client/generated/protocol.ts';
import { lobby, lobbyEvent, methods, notifications } from '../src/index.ts';
import { generatedFiles } from './generate.ts';

test.each([...generatedFiles()])(
  '%s is what the schemas give: run `npx tsx packages/protocol/tools/generate.ts`',
  (path, text) => {
    expect(readFileSync(path, 'utf8')).toBe(text);
  },
);

const names = fc.constantFrom('a', 'Bob', '', '\u0000', 'x'.repeat(33), 'x'.repeat(65));
const numbers = fc.constantFrom(0, 1, 2, 8, 250, 251, 2 ** 31, 2 ** 32, -1, 1.5);
const bytes = (length: number) => fc.constant('A'.repeat(Math.ceil((length * 4) / 3)));
const maps = fc.dictionary(names, fc.oneof(fc.string(), fc.constant('x'.repeat(8193))), {
  maxKeys: 2,
});
const patches = fc.dictionary(names, fc.option(fc.string()), { maxKeys: 2 });

const member = fc.record({
  id: numbers,
  player: fc.constantFrom(`g${'a'.repeat(26)}`, 'g'),
  name: names,
  peer: numbers,
  connected: fc.boolean(),
  ready: fc.boolean(),
  data: maps,
  cert: bytes(200),
  proof: fc.constantFrom('key', 'server', 'word'),
  capabilities: fc.array(names, { maxLength: 9 }),
});

const wholeLobby = fc.record({
  id: bytes(16),
  code: fc.constantFrom('ACDEFG', 'ACDE', 'acdefg'),
  type: fc.constantFrom('private', 'public', 'secret'),
  name: names,
  capacity: numbers,
  joinable: fc.boolean(),
  requireKey: fc.boolean(),
  epoch: numbers,
  revision: numbers,
  owner: numbers,
  data: maps,
  members: fc.array(member, { maxLength: 2 }),
});

const anyEvent = fc.oneof(
  fc.record({ type: fc.constant('memberJoined'), member }),
  fc.record({
    type: fc.constantFrom('dataChanged', 'memberDataChanged'),
    member: numbers,
    set: patches,
  }),
  fc.record({
    type: fc.constant('ownerChanged'),
    owner: numbers,
    epoch: numbers,
    peers: fc.array(fc.record({ member: numbers, peer: numbers }), { maxLength: 2 }),
  }),
  fc.record({
    type: fc.constantFrom('memberLeft', 'memberDisconnected', 'memberReadyChanged', 'new'),
    member: numbers,
    cause: fc.constantFrom('left', 'eaten'),
    reason: names,
    ready: fc.boolean(),
  }),
);

/** Sometimes a field is missing, of another type, or one too many. */
const spoiled = <T extends object>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof(
    value,
    fc.tuple(value, fc.nat(), fc.option(fc.jsonValue())).map(([object, at, other]) => {
      const keys = Object.keys(object);
      const key = keys[at % keys.length] ?? 'more';
      return { ...object, [key]: other ?? undefined };
    }),
  );

test('the small checks and the schemas say the same of every value', () => {
  const lobbyId = fc.constant('A'.repeat(22));
  fc.assert(
    fc.property(
      spoiled(wholeLobby),
      spoiled(
        fc.record({
          lobby: lobbyId,
          revision: numbers,
          events: fc.array(spoiled(anyEvent), { maxLength: 2 }),
        }),
      ),
      numbers,
      (someLobby, changed, you) => {
        const joined = { lobby: someLobby, you };
        const isJoined = methods['lobby.join'].result.safeParse(joined).success;
        expect(client.results['lobby.join'](joined) === undefined).toBe(isJoined);
        const isChanged = notifications['lobby.changed'].safeParse(changed).success;
        expect(client.notifications['lobby.changed'](changed) === undefined).toBe(isChanged);
      },
    ),
    { numRuns: 500 },
  );
});

test('the values of that test are right often enough to mean something', () => {
  const right = (
    schema: { safeParse(value: unknown): { success: boolean } },
    values: unknown[],
  ): number => values.filter((value) => schema.safeParse(value).success).length;
  expect(right(lobby, fc.sample(wholeLobby, { numRuns: 3000, seed: 1 }))).toBeGreaterThan(3);
  expect(right(lobbyEvent, fc.sample(anyEvent, { numRuns: 500, seed: 1 }))).toBeGreaterThan(50);
});
