import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Candidate, LobbyCommand } from './commands.ts';
import { applyCommand, createLobby, isRefusal } from './rules.ts';
import { isConnected, type LobbyEvent, type LobbyState, viewOfLobby } from './state.ts';

/** Few ids, so that commands meet each other. */
const id = fc.integer({ min: 1, max: 5 });
const generation = fc.integer({ min: 1, max: 3 });

const candidate = fc.record<Candidate>({
  id: id,
  player: id.map((n) => `player ${n}`),
  name: fc.constant('name'),
  cert: fc.constant('cert'),
  proof: fc.constantFrom('key', 'server'),
  capabilities: fc.constant([]),
  data: fc.constant({}),
  session: fc.uuid(),
  generation,
});

const join: fc.Arbitrary<LobbyCommand> = fc.record({
  type: fc.constant('join' as const),
  via: fc.constantFrom('id', 'code', 'invite'),
  who: candidate,
});

const other: fc.Arbitrary<LobbyCommand> = fc.oneof(
  fc.record({ type: fc.constant('leave' as const), by: id }),
  fc.record({ type: fc.constant('end' as const), by: id }),
  fc.record({
    type: fc.constant('drop' as const),
    by: id,
    generation,
    holdMs: fc.integer({ min: 0, max: 10 }),
  }),
  fc.record({
    type: fc.constant('return' as const),
    by: id,
    generation,
  }),
  fc.record({ type: fc.constant('expire' as const) }),
  fc.record({
    type: fc.constant('setData' as const),
    by: id,
    set: fc.dictionary(fc.string(), fc.option(fc.string())),
  }),
  fc.record({ type: fc.constant('setReady' as const), by: id, ready: fc.boolean() }),
  fc.record({
    type: fc.constant('setSettings' as const),
    by: id,
    capacity: fc.integer({ min: 1, max: 5 }),
    joinable: fc.boolean(),
  }),
  fc.record({ type: fc.constant('setOwner' as const), by: id, member: id }),
  fc.record({
    type: fc.constant('kick' as const),
    by: id,
    member: id,
    reason: fc.constant(''),
  }),
);

/** Many joins, or lobbies would end before they are full. */
const command = fc.oneof({ arbitrary: join, weight: 1 }, { arbitrary: other, weight: 2 });

function newLobby(): LobbyState {
  const owner: Candidate = {
    id: 1,
    player: 'player 1',
    name: 'name',
    cert: 'cert',
    proof: 'key',
    capabilities: [],
    data: {},
    session: 'session',
    generation: 1,
  };
  const settings = { type: 'public', name: '', capacity: 4, joinable: true } as const;
  const made = createLobby({
    ...settings,
    id: 'lobby',
    code: 'ACDEFG',
    requireKey: false,
    data: {},
    owner,
  });
  if (isRefusal(made)) throw new Error(made.message);
  return made;
}

/** What a client keeps by events alone. */
interface Seen {
  owner: number;
  epoch: number;
  readonly members: Map<number, { peer: number; connected: boolean; ready: boolean }>;
  readonly data: Map<string, string>;
}

function follow(seen: Seen, event: LobbyEvent): void {
  switch (event.type) {
    case 'memberJoined': {
      const { peer, connected, ready } = event.member;
      seen.members.set(event.member.id, { peer, connected, ready });
      return;
    }
    case 'memberLeft':
      seen.members.delete(event.member);
      return;
    case 'memberDisconnected':
    case 'memberReconnected': {
      const member = seen.members.get(event.member);
      if (member) member.connected = event.type === 'memberReconnected';
      return;
    }
    case 'memberReadyChanged': {
      const member = seen.members.get(event.member);
      if (member) member.ready = event.ready;
      return;
    }
    case 'ownerChanged':
      seen.owner = event.owner;
      seen.epoch = event.epoch;
      for (const { member, peer } of event.peers) {
        const known = seen.members.get(member);
        if (known) known.peer = peer;
      }
      return;
    case 'dataChanged':
      for (const [key, value] of Object.entries(event.set)) {
        if (value === null) seen.data.delete(key);
        else seen.data.set(key, value);
      }
      return;
    default:
  }
}

function seenOf(state: LobbyState): Seen {
  const { owner, epoch, members, data } = viewOfLobby(state);
  return {
    owner,
    epoch,
    members: new Map(
      members.map(({ id, peer, connected, ready }) => [id, { peer, connected, ready }]),
    ),
    data: new Map(Object.entries(data)),
  };
}

function checkInvariants(state: LobbyState): void {
  const { members } = state;
  expect(members.length).toBeGreaterThan(0);
  expect(members.length).toBeLessThanOrEqual(state.capacity);
  const owner = members.find((member) => member.id === state.owner);
  expect(owner?.peer).toBe(1);
  if (members.some(isConnected)) expect(owner && isConnected(owner)).toBe(true);
  for (const key of ['id', 'peer', 'player'] as const) {
    expect(new Set(members.map((member) => member[key])).size).toBe(members.length);
  }
  expect(Math.max(...members.map(({ peer }) => peer))).toBeLessThan(state.nextPeer);
}

test('whatever is asked, in any order: the lobby stays whole and its events tell all of it', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60, size: 'max' }), (commands) => {
      let state = newLobby();
      const seen = seenOf(state);
      for (const [now, next] of commands.entries()) {
        // The server gives ids that nobody has.
        if (next.type === 'join' && state.members.some(({ id }) => id === next.who.id)) continue;
        const ruling = applyCommand(state, next, now);
        if (isRefusal(ruling)) continue;
        const { events } = ruling;
        expect(events.filter(({ type }) => type === 'ownerChanged').length).toBeLessThanOrEqual(1);
        for (const event of events) follow(seen, event);
        if (!ruling.state) {
          expect(seen.members.size).toBe(0);
          return;
        }
        expect(ruling.state.revision).toBe(state.revision + (events.length > 0 ? 1 : 0));
        const changedOwner = ruling.state.owner !== state.owner;
        expect(ruling.state.epoch).toBe(state.epoch + (changedOwner ? 1 : 0));
        state = ruling.state;
        checkInvariants(state);
        expect(seen).toEqual(seenOf(state));
      }
    }),
    { numRuns: 300 },
  );
});
