import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { LobbyCommand } from './commands.ts';
import { applyCommand, createLobby, isRefusal } from './rules.ts';
import { isConnected, type LobbyState, memberOf } from './state.ts';

type SeatState = 'connected' | 'held' | '[*]';

const page = readFileSync(new URL('../../../../docs/states/lobby.md', import.meta.url), 'utf8');

/** `from command to` for every arrow of the drawing. */
function drawn(): Set<string> {
  const arrows = page.matchAll(/^ {2}(\S+) --> (\S+): (.+)$/gm);
  return new Set(
    [...arrows].flatMap(([, from, to, commands = '']) =>
      commands.split(', ').map((command) => `${from} ${command} ${to}`),
    ),
  );
}

const candidate = (id: number) => ({
  id,
  player: `player ${id}`,
  name: 'name',
  cert: 'cert',
  proof: 'key' as const,
  capabilities: [],
  data: {},
  session: `session ${id}`,
  generation: 1,
});

function apply(state: LobbyState, command: LobbyCommand, nowMs = 0): LobbyState | undefined {
  const ruling = applyCommand(state, command, nowMs);
  return isRefusal(ruling) ? state : ruling.state;
}

/** An owner who stays, and the seat of member 2 in the asked state. */
function lobbyWith(state: SeatState): LobbyState {
  const made = createLobby({
    id: 'lobby',
    code: 'ACDEFG',
    type: 'public',
    name: '',
    capacity: 4,
    joinable: true,
    requireKey: false,
    data: {},
    owner: candidate(1),
  });
  if (isRefusal(made)) throw new Error(made.message);
  const joined = state === '[*]' ? made : apply(made, commands.join);
  const lobby = state === 'held' && joined ? apply(joined, commands.drop) : joined;
  if (!lobby) throw new Error('the lobby ended');
  return lobby;
}

const commands = {
  join: { type: 'join', via: 'code', who: candidate(2) },
  leave: { type: 'leave', by: 2 },
  kick: { type: 'kick', by: 1, member: 2, reason: '' },
  end: { type: 'end', by: 2 },
  drop: { type: 'drop', by: 2, generation: 1, holdMs: 10 },
  return: { type: 'return', by: 2, generation: 2 },
  expire: { type: 'expire' },
} as const satisfies Record<string, LobbyCommand>;

function seatOf(lobby: LobbyState | undefined): SeatState {
  const member = lobby && memberOf(lobby, 2);
  if (!member) return '[*]';
  return isConnected(member) ? 'connected' : 'held';
}

test('every command in every state moves the seat as drawn, or not at all', () => {
  const moved = new Set<string>();
  for (const from of ['[*]', 'connected', 'held'] as const) {
    for (const [name, command] of Object.entries(commands)) {
      const to = seatOf(apply(lobbyWith(from), command, 1000));
      if (to !== from) moved.add(`${from} ${name} ${to}`);
    }
  }
  expect(moved).toEqual(drawn());
});
