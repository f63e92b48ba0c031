import { limits } from '@partyline/protocol';
import { expect, test } from 'vitest';
import type { Candidate, LobbyCommand } from './commands.ts';
import { applyCommand, createLobby, isRefusal, type Outcome } from './rules.ts';
import type { LobbyState } from './state.ts';

const NOW = 1_800_000_000_000;
const HOLD = 90_000;

function who(id: number, patch: Partial<Candidate> = {}): Candidate {
  return {
    id,
    player: `player ${id}`,
    name: `name ${id}`,
    cert: 'cert',
    proof: 'key',
    capabilities: ['relay'],
    data: {},
    session: `session ${id}`,
    generation: 1,
    ...patch,
  };
}

function lobbyOf(
  members: number,
  patch: Partial<Parameters<typeof createLobby>[0]> = {},
): LobbyState {
  const made = createLobby({
    id: 'lobby',
    code: 'ACDEFG',
    type: 'public',
    name: '',
    capacity: 8,
    joinable: true,
    requireKey: false,
    data: {},
    owner: who(1),
    ...patch,
  });
  if (isRefusal(made)) throw new Error(made.message);
  let state = made;
  for (let id = 2; id <= members; id++) state = after(state, join(id));
  return state;
}

const join = (id: number, via: 'id' | 'code' | 'invite' = 'code'): LobbyCommand => ({
  type: 'join',
  via,
  who: who(id),
});
const drop = (by: number, generation = 1): LobbyCommand => ({
  type: 'drop',
  by,
  generation,
  holdMs: HOLD,
});

function done(state: LobbyState, command: LobbyCommand, now = NOW): Outcome {
  const ruling = applyCommand(state, command, now);
  if (isRefusal(ruling)) throw new Error(`${ruling.code}: ${ruling.message}`);
  return ruling;
}

function after(state: LobbyState, command: LobbyCommand, now = NOW): LobbyState {
  const { state: next } = done(state, command, now);
  if (!next) throw new Error('the lobby ended');
  return next;
}

function refused(state: LobbyState, command: LobbyCommand): string {
  const ruling = applyCommand(state, command, NOW);
  if (!isRefusal(ruling)) throw new Error('not refused');
  return ruling.code;
}

const types = ({ events }: Outcome): string[] => events.map(({ type }) => type);

test('the maker is owner, peer 1, epoch 1, revision 1; joiners get peers from 2 in order', () => {
  const state = lobbyOf(3);
  expect(state).toMatchObject({ owner: 1, epoch: 1, revision: 3 });
  expect(state.members.map(({ peer }) => peer)).toEqual([1, 2, 3]);
});

test('a peer id is not given twice in an epoch', () => {
  const left = after(lobbyOf(3), { type: 'leave', by: 3 });
  expect(after(left, join(4)).members.at(-1)?.peer).toBe(4);
});

test.each([
  ['full', { capacity: 1 }, 'code'],
  ['locked', { joinable: false }, 'code'],
  ['locked, with an invite', { joinable: false }, 'invite'],
  ['private, by id', { type: 'private' as const }, 'id'],
  ['friendsOnly, by id', { type: 'friendsOnly' as const }, 'id'],
] as const)('%s: the one answer LOBBY_UNAVAILABLE', (_what, patch, via) => {
  expect(refused(lobbyOf(1, patch), join(2, via))).toBe('LOBBY_UNAVAILABLE');
});

test.each(['code', 'invite'] as const)('a private lobby is joined by %s', (via) => {
  expect(after(lobbyOf(1, { type: 'private' }), join(2, via)).members).toHaveLength(2);
});

test('requireKey lets in only who proved a long-lived key', () => {
  const state = lobbyOf(1, { requireKey: true });
  const byToken: LobbyCommand = { type: 'join', via: 'code', who: who(2, { proof: 'server' }) };
  expect(refused(state, byToken)).toBe('LOBBY_UNAVAILABLE');
  expect(after(state, join(2)).members).toHaveLength(2);
});

test('a player has one connected seat', () => {
  const again: LobbyCommand = { type: 'join', via: 'code', who: who(9, { player: 'player 2' }) };
  expect(refused(lobbyOf(2), again)).toBe('LOBBY_ALREADY_MEMBER');
});

test('a player who comes back with a new session gets a new seat for the held one, even when full', () => {
  const held = after(lobbyOf(2, { capacity: 2 }), drop(2));
  const outcome = done(held, {
    type: 'join',
    via: 'code',
    who: who(9, { player: 'player 2', session: 'new' }),
  });
  expect(outcome.events).toMatchObject([
    { type: 'memberLeft', member: 2, cause: 'expired' },
    { type: 'memberJoined', member: { id: 9 } },
  ]);
  expect(outcome.state?.members.map(({ id }) => id)).toEqual([1, 9]);
});

test('a leave frees the seat at once; the last one ends the lobby', () => {
  const state = after(lobbyOf(2), { type: 'leave', by: 2 });
  expect(state.members.map(({ id }) => id)).toEqual([1]);
  const outcome = done(state, { type: 'leave', by: 1 });
  expect(outcome.state).toBeUndefined();
  expect(types(outcome)).toEqual(['memberLeft']);
});

test('the owner leaves: the longest seated inherits, in a new epoch with new peer ids, in one event', () => {
  const outcome = done(lobbyOf(3), { type: 'leave', by: 1 });
  expect(types(outcome)).toEqual(['memberLeft', 'ownerChanged']);
  expect(outcome.events[1]).toEqual({
    type: 'ownerChanged',
    owner: 2,
    epoch: 2,
    peers: [
      { member: 2, peer: 1 },
      { member: 3, peer: 2 },
    ],
  });
});

test('the owner drops: shown as disconnected, ownership passes once, the seat is held', () => {
  const outcome = done(lobbyOf(3), drop(1));
  expect(types(outcome)).toEqual(['memberDisconnected', 'ownerChanged']);
  expect(outcome.state).toMatchObject({ owner: 2, epoch: 2, revision: 4 });
  expect(outcome.state?.members).toHaveLength(3);
});

test('the returning owner is an ordinary member', () => {
  const dropped = after(lobbyOf(2), drop(1));
  const outcome = done(dropped, { type: 'return', by: 1, generation: 2 });
  expect(types(outcome)).toEqual(['memberReconnected']);
  expect(outcome.state).toMatchObject({ owner: 2, epoch: 2 });
});

test('alone, a dropped owner stays owner: there is nobody to take it', () => {
  const dropped = done(lobbyOf(1), drop(1));
  expect(types(dropped)).toEqual(['memberDisconnected']);
  const outcome = done(dropped.state ?? lobbyOf(1), { type: 'return', by: 1, generation: 2 });
  expect(outcome.state).toMatchObject({ owner: 1, epoch: 1 });
});

test('whoever comes first when all are dropped becomes owner', () => {
  let state = after(after(lobbyOf(2), drop(2)), drop(1));
  expect(state.owner).toBe(1);
  const outcome = done(state, { type: 'return', by: 2, generation: 2 });
  expect(types(outcome)).toEqual(['memberReconnected', 'ownerChanged']);
  state = after(state, join(3));
  expect(state).toMatchObject({ owner: 3, epoch: 2 });
});

test('a resume that overtakes the drop counts as both: others must see the old player go', () => {
  const outcome = done(lobbyOf(2), { type: 'return', by: 1, generation: 2 });
  expect(types(outcome)).toEqual(['memberDisconnected', 'ownerChanged', 'memberReconnected']);
  const late = done(outcome.state ?? lobbyOf(1), drop(1, 1));
  expect(late.events).toEqual([]);
  expect(late.state?.members[0]?.heldUntilMs).toBeUndefined();
});

test('a held seat is freed at its end, not before; the last one ends the lobby', () => {
  const state = after(lobbyOf(2), drop(2));
  expect(done(state, { type: 'expire' }, NOW + HOLD - 1).events).toEqual([]);
  const outcome = done(state, { type: 'expire' }, NOW + HOLD);
  expect(outcome.events).toEqual([{ type: 'memberLeft', member: 2, cause: 'expired', reason: '' }]);
  const alone = after(lobbyOf(1), drop(1));
  expect(done(alone, { type: 'expire' }, NOW + HOLD).state).toBeUndefined();
});

test('a held seat counts: nobody takes it meanwhile', () => {
  const state = after(lobbyOf(2, { capacity: 2 }), drop(2));
  expect(refused(state, join(3))).toBe('LOBBY_UNAVAILABLE');
  expect(after(after(state, { type: 'expire' }, NOW + HOLD), join(3)).members).toHaveLength(2);
});

test('a kick says why, and the player cannot come back while the lobby lives', () => {
  const outcome = done(lobbyOf(2), { type: 'kick', by: 1, member: 2, reason: 'cheated' });
  expect(outcome.events).toEqual([
    { type: 'memberLeft', member: 2, cause: 'kicked', reason: 'cheated' },
  ]);
  const back: LobbyCommand = { type: 'join', via: 'invite', who: who(9, { player: 'player 2' }) };
  expect(refused(outcome.state ?? lobbyOf(1), back)).toBe('LOBBY_UNAVAILABLE');
});

test('the bans of a lobby are bounded', () => {
  let state = lobbyOf(1);
  for (let id = 2; id < limits.bansPerLobby + 10; id++) {
    state = after(after(state, join(id)), { type: 'kick', by: 1, member: id, reason: '' });
  }
  expect(state.banned).toHaveLength(limits.bansPerLobby);
});

const ownersOnly: LobbyCommand[] = [
  { type: 'kick', by: 2, member: 3, reason: '' },
  { type: 'setOwner', by: 2, member: 2 },
  { type: 'setData', by: 2, set: { a: '1' } },
  { type: 'setSettings', by: 2, joinable: false },
];

test.each(ownersOnly)('only the owner may $type', (command) => {
  expect(refused(lobbyOf(3), command)).toBe('LOBBY_NOT_OWNER');
  done(lobbyOf(3), { ...command, by: 1 } as LobbyCommand);
});

const anybodys: LobbyCommand[] = [
  ...ownersOnly,
  { type: 'leave', by: 99 },
  { type: 'setReady', by: 99, ready: true },
  { type: 'setMemberData', by: 99, set: {} },
  drop(99),
  { type: 'return', by: 99, generation: 2 },
];

test.each(anybodys)('a stranger may not $type', (command) => {
  expect(refused(lobbyOf(3), { ...command, by: 99 } as LobbyCommand)).toBe('LOBBY_NOT_MEMBER');
});

test('ownership is handed to a connected member only, and is a new epoch', () => {
  const state = lobbyOf(3);
  expect(after(state, { type: 'setOwner', by: 1, member: 3 })).toMatchObject({
    owner: 3,
    epoch: 2,
  });
  expect(done(state, { type: 'setOwner', by: 1, member: 1 }).events).toEqual([]);
  expect(refused(state, { type: 'setOwner', by: 1, member: 99 })).toBe('LOBBY_MEMBER_UNKNOWN');
  const dropped = after(state, drop(3));
  expect(refused(dropped, { type: 'setOwner', by: 1, member: 3 })).toBe('LOBBY_MEMBER_UNKNOWN');
});

test('nobody kicks a stranger, and the owner not itself', () => {
  const kick = (member: number): LobbyCommand => ({ type: 'kick', by: 1, member, reason: '' });
  expect(refused(lobbyOf(2), kick(99))).toBe('LOBBY_MEMBER_UNKNOWN');
  expect(refused(lobbyOf(2), kick(1))).toBe('REQUEST_INVALID');
});

test('data: null deletes, only what changed is told, nothing changed is no event', () => {
  const state = after(lobbyOf(1), { type: 'setData', by: 1, set: { a: '1', b: '2' } });
  const outcome = done(state, {
    type: 'setData',
    by: 1,
    set: { a: null, b: '2', c: '3', d: null },
  });
  expect(outcome.events).toEqual([{ type: 'dataChanged', set: { a: null, c: '3' } }]);
  expect(outcome.state?.data).toEqual({ b: '2', c: '3' });
  expect(done(state, { type: 'setData', by: 1, set: { b: '2' } }).events).toEqual([]);
});

test('a key called __proto__ is a key like others', () => {
  const set = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
  const state = after(lobbyOf(1), { type: 'setData', by: 1, set });
  expect(Object.entries(state.data)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
});

test('data has limits: keys, and characters in all, of lobby and member', () => {
  const keys = Object.fromEntries(Array.from({ length: limits.dataKeys + 1 }, (_, n) => [n, '']));
  const long = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [n, 'x'.repeat(8000)]));
  const own = Object.fromEntries(
    Array.from({ length: limits.memberDataKeys + 1 }, (_, n) => [n, '']),
  );
  const state = lobbyOf(1);
  expect(refused(state, { type: 'setData', by: 1, set: keys })).toBe('LOBBY_LIMIT');
  expect(refused(state, { type: 'setData', by: 1, set: long })).toBe('LOBBY_LIMIT');
  expect(refused(state, { type: 'setMemberData', by: 1, set: own })).toBe('LOBBY_LIMIT');
  const tooLong = { a: 'x'.repeat(limits.memberDataTotalLength) };
  expect(refused(state, { type: 'setMemberData', by: 1, set: tooLong })).toBe('LOBBY_LIMIT');
  const joiner: LobbyCommand = { type: 'join', via: 'code', who: who(2, { data: tooLong }) };
  expect(refused(state, joiner)).toBe('LOBBY_LIMIT');
});

test('ready and member data are the member’s own and told once', () => {
  const ready = done(lobbyOf(2), { type: 'setReady', by: 2, ready: true });
  expect(ready.events).toEqual([{ type: 'memberReadyChanged', member: 2, ready: true }]);
  const state = ready.state ?? lobbyOf(2);
  expect(done(state, { type: 'setReady', by: 2, ready: true }).events).toEqual([]);
  const set = done(state, { type: 'setMemberData', by: 2, set: { team: 'red' } });
  expect(set.events).toEqual([{ type: 'memberDataChanged', member: 2, set: { team: 'red' } }]);
});

test('settings: told whole; capacity never under the seats taken', () => {
  const state = lobbyOf(3);
  const outcome = done(state, { type: 'setSettings', by: 1, capacity: 3, lobbyType: 'private' });
  expect(outcome.events).toEqual([
    { type: 'settingsChanged', lobbyType: 'private', name: '', capacity: 3, joinable: true },
  ]);
  expect(done(state, { type: 'setSettings', by: 1, capacity: 8 }).events).toEqual([]);
  expect(refused(state, { type: 'setSettings', by: 1, capacity: 2 })).toBe('LOBBY_LIMIT');
});
