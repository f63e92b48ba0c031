import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LobbyType, Lobby as WireLobby } from './generated/protocol.ts';
import {
  adoptLobbyState,
  applyChange,
  changesBetween,
  type LobbyChange,
  type LobbyState,
  memberOf,
} from './lobby-state.ts';

const data = fc.dictionary(
  fc.constantFrom('a', 'b', '__proto__', 'constructor'),
  fc.string({ maxLength: 3 }),
);

const member = (id: number) =>
  fc.record({
    id: fc.constant(id),
    player: fc.constant(`g${id}`),
    name: fc.constant(`Member ${id}`),
    peer: fc.nat(100),
    connected: fc.boolean(),
    ready: fc.boolean(),
    data,
    cert: fc.constant('AA'),
    proof: fc.constant('key' as const),
    capabilities: fc.constant(['relay']),
  });

/** Member 1 is always there: it is who looks. */
const lobby: fc.Arbitrary<WireLobby> = fc
  .record({
    members: fc.tuple(member(1), member(2), member(3), member(4)),
    present: fc.subarray([2, 3, 4]),
    ownerIndex: fc.nat(),
    epoch: fc.integer({ min: 1, max: 3 }),
    data,
    name: fc.constantFrom('', 'x'),
    capacity: fc.integer({ min: 4, max: 6 }),
    joinable: fc.boolean(),
    type: fc.constantFrom<LobbyType>('private', 'public'),
  })
  .map(({ members, present, ownerIndex, ...rest }) => {
    const all = members.filter(({ id }) => id === 1 || present.includes(id));
    const owner = all[ownerIndex % all.length]?.id ?? 1;
    const fixed = { id: 'L', code: 'ACDEFG', requireKey: false, revision: 1 };
    return { ...fixed, ...rest, members: all, owner };
  });

test('the changes between two states lead from one to the other', () => {
  fc.assert(
    fc.property(lobby, lobby, (from, to) => {
      const before = adoptLobbyState(from, 1);
      const after = adoptLobbyState(to, 1);
      let state: LobbyState | undefined = before;
      for (const change of changesBetween(before, after))
        state = state && applyChange(state, change);
      const byId = (lobbyState: LobbyState | undefined): unknown =>
        lobbyState && {
          ...lobbyState,
          members: lobbyState.members.toSorted((a, b) => a.id - b.id),
        };
      // Peer numbers change with the epoch only, as the server has it.
      fc.pre(before.epoch !== after.epoch || before.owner !== after.owner);
      expect(byId(state)).toEqual(byId(after));
    }),
  );
});

test('nothing happened between a state and itself', () => {
  fc.assert(
    fc.property(lobby, (same) => {
      const state = adoptLobbyState(same, 1);
      expect(changesBetween(state, adoptLobbyState(structuredClone(same), 1))).toEqual([]);
    }),
  );
});

test('a lobby without its owner or without you is not adopted', () => {
  const [sample] = fc.sample(lobby, { numRuns: 1, seed: 1 });
  if (!sample) throw new Error('no sample');
  expect(() => adoptLobbyState({ ...sample, owner: 99 }, 1)).toThrow('without its owner');
  expect(() => adoptLobbyState(sample, 99)).toThrow('without you');
});

test.each<LobbyChange>([
  { type: 'memberLeft', member: 99, cause: 'left', reason: '' },
  { type: 'memberDisconnected', member: 99 },
  { type: 'memberReconnected', member: 99, capabilities: [] },
  { type: 'memberDataChanged', member: 99, set: {} },
  { type: 'memberReadyChanged', member: 99, ready: true },
  { type: 'ownerChanged', owner: 99, epoch: 2, peers: [] },
  { type: 'ownerChanged', owner: 1, epoch: 2, peers: [] },
])('a change that does not fit the state is not applied: %j', (change) => {
  for (const sample of fc.sample(lobby, { numRuns: 5, seed: 1 })) {
    expect(applyChange(adoptLobbyState(sample, 1), change)).toBeUndefined();
  }
});

test('a member cannot join twice', () => {
  for (const sample of fc.sample(lobby, { numRuns: 5, seed: 1 })) {
    const state = adoptLobbyState(sample, 1);
    const known = memberOf(state, 1);
    if (known) expect(applyChange(state, { type: 'memberJoined', member: known })).toBeUndefined();
  }
});

test('keys that every object inherits are absent until set, and deleted again', () => {
  const [sample] = fc.sample(lobby, { numRuns: 1, seed: 1 });
  if (!sample) throw new Error('no sample');
  const state = adoptLobbyState({ ...sample, data: {} }, 1);
  expect(state.data.constructor).toBeUndefined();
  const set = JSON.parse('{"__proto__":"p","constructor":"c"}');
  const after = applyChange(state, { type: 'dataChanged', set });
  expect(Object.entries(after?.data ?? {})).toEqual([
    ['__proto__', 'p'],
    ['constructor', 'c'],
  ]);
  const unset = JSON.parse('{"__proto__":null,"constructor":null}');
  const gone = after && applyChange(after, { type: 'dataChanged', set: unset });
  expect(gone?.data.constructor).toBeUndefined();
  expect(Object.keys(gone?.data ?? { x: 1 })).toEqual([]);
});
