import { expect, test } from 'vitest';
import {
  addShip,
  type GameState,
  type Input,
  idle,
  newGame,
  rules,
  step,
  TICK_SECONDS,
} from '../game/index.ts';
import { decide } from './brain.ts';

function play(ids: readonly number[], brains: readonly number[], ticks: number): GameState {
  let state = ids.reduce((game, id) => addShip(game, id), newGame(11));
  for (let i = 0; i < ticks; i += 1) {
    const inputs = new Map<number, Input>(
      ids.map((id) => [id, brains.includes(id) ? decide(state, id) : idle]),
    );
    state = step(state, inputs, TICK_SECONDS);
  }
  return state;
}

test('a bot alone collects at least a gem every two seconds', () => {
  const seconds = 60;
  const state = play([1], [1], seconds * rules.ticksPerSecond);
  expect(state.ships[0]?.score).toBeGreaterThan(seconds / 2);
});

test('a bot beats a player who does nothing', () => {
  const state = play([1, 2], [2], 900);
  expect(state.ships[1]?.score).toBeGreaterThan((state.ships[0]?.score ?? 0) + 5);
});

test('bots ram each other: a minute of four sees several hits', () => {
  let state = [1, 2, 3, 4].reduce((game, id) => addShip(game, id), newGame(5));
  let rams = 0;
  for (let i = 0; i < 60 * rules.ticksPerSecond; i += 1) {
    const inputs = new Map(state.ships.map((ship) => [ship.id, decide(state, ship.id)]));
    state = step(state, inputs, TICK_SECONDS);
    rams += state.events.filter((event) => event.type === 'rammed').length;
  }
  expect(rams).toBeGreaterThan(5);
});

test('without a ship, or between rounds, it does nothing', () => {
  const state = addShip(newGame(1), 1);
  expect(decide(state, 9)).toEqual(idle);
  expect(decide({ ...state, phase: 'pause' }, 1)).toEqual(idle);
});
