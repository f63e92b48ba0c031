import type { Lobby, LobbyMember } from 'partyline';
import { expect, test } from 'vitest';
import { addShip, decodeSnapshot, encodeSnapshot, type GameState, newGame } from '../game/index.ts';
import { History } from '../match/history.ts';
import type { Match } from '../match/match.ts';
import { roomView } from './room-view.ts';

function member(id: number, peer: number, name: string): LobbyMember {
  const rest = { player: '', connected: true, ready: false, data: {}, cert: '', capabilities: [] };
  return { id, peer, name, proof: 'key', ...rest };
}

const [alice, bob] = [member(100, 1, 'Alice'), member(200, 2, 'Bob')];

/** As much of a lobby as the view reads, seen by `me`. */
function lobbyOf(me: LobbyMember): Lobby {
  const lobby = {
    code: 'ABC234',
    type: 'public',
    members: [alice, bob],
    owner: alice,
    me,
    isOwner: me === alice,
    inviteLink: () => 'http://a.test/#join=ABC234',
  };
  return lobby as unknown as Lobby; // the rest is never touched: the test would fail
}

function matchOf(state: GameState, self: number): Match {
  const history = new History();
  const snapshot = decodeSnapshot(encodeSnapshot(state));
  if (snapshot) history.push(snapshot, 0);
  return {
    self,
    isHost: self === 1,
    history,
    steer: () => {},
    dash: () => {},
    tick: () => {},
    predicted: () => undefined,
    link: (id) => (id === self ? undefined : { wire: 'webrtc', pingMs: 12.4 }),
    forget: () => {},
    close: async () => {},
  };
}

function scored(scores: readonly number[], phase: 'play' | 'pause' = 'play'): GameState {
  const state = addShip(addShip(newGame(1), 1), 2);
  const ships = state.ships.map((ship, i) => ({ ...ship, score: scores[i] ?? 0 }));
  return { ...state, tick: 1, phase, phaseTicksLeft: 60, ships };
}

test('players stand in the order of their scores, with wire and ping of their links', () => {
  const view = roomView(lobbyOf(alice), matchOf(scored([3, 7]), 1), undefined);
  expect(view.players.map(({ name, score }) => [name, score])).toEqual([
    ['Bob', 7],
    ['Alice', 3],
  ]);
  expect(view.players[0]).toMatchObject({ wire: 'webrtc', pingMs: 12.4, canKick: true });
  expect(view.players[1]).toMatchObject({ isYou: true, isHost: true, canKick: false });
  expect(view.players[1]?.wire).toBeUndefined();
  expect(view.clock).toEqual({ seconds: 2, phase: 'play' });
});

test('only the owner can kick, and nobody can kick themselves', () => {
  const view = roomView(lobbyOf(bob), matchOf(scored([0, 0]), 2), undefined);
  expect(view.players.map(({ canKick }) => canKick)).toEqual([false, false]);
});

test('without a match everybody is listed, in the order of joining', () => {
  const view = roomView(lobbyOf(bob), undefined, undefined);
  expect(view.players.map(({ name, score }) => [name, score])).toEqual([
    ['Alice', undefined],
    ['Bob', undefined],
  ]);
  expect(view.clock).toBeUndefined();
});

test.each([
  [[3, 7], 1, 'Bob wins with 7 gems'],
  [[3, 7], 2, 'You win with 7 gems'],
  [[1, 0], 2, 'Alice wins with 1 gem'],
  [[4, 4], 1, 'A draw!'],
])('after a round with %j, player %i reads: %s', (scores, self, text) => {
  const lobby = lobbyOf(self === 1 ? alice : bob);
  expect(roomView(lobby, matchOf(scored(scores, 'pause'), self), undefined).banner).toBe(text);
  expect(roomView(lobby, matchOf(scored(scores), self), undefined).banner).toBeUndefined();
});
