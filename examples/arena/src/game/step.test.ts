import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addShip,
  type GameState,
  type Input,
  type Inputs,
  idle,
  newGame,
  removeShip,
  rules,
  type Ship,
  step,
  TICK_SECONDS,
} from './index.ts';

const input = fc.record({
  x: fc.double({ min: -1, max: 1, noNaN: true }),
  y: fc.double({ min: -1, max: 1, noNaN: true }),
  dash: fc.boolean(),
});
/** Four players' inputs for some ticks. */
const script = fc.array(fc.tuple(input, input, input, input), { minLength: 1, maxLength: 200 });

function gameOf(ids: readonly number[], seed = 7): GameState {
  return ids.reduce((state, id) => addShip(state, id), newGame(seed));
}

function play(state: GameState, ticks: number, inputs: Inputs = new Map()): GameState {
  let now = state;
  for (let i = 0; i < ticks; i += 1) now = step(now, inputs, TICK_SECONDS);
  return now;
}

function place(state: GameState, id: number, at: Partial<Ship>): GameState {
  return {
    ...state,
    ships: state.ships.map((ship) => (ship.id === id ? { ...ship, ...at } : ship)),
  };
}

function shipOf(state: GameState, id: number): Ship {
  const ship = state.ships.find((candidate) => candidate.id === id);
  if (!ship) throw new Error(`no ship ${id}`);
  return ship;
}

test('the same seed and inputs give the same game', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), script, (seed, ticks) => {
      const run = (): GameState => {
        let state = gameOf([1, 2, 3, 4], seed);
        for (const four of ticks) {
          state = step(state, new Map(four.map((one, i) => [i + 1, one])), TICK_SECONDS);
        }
        return state;
      };
      expect(run()).toEqual(run());
    }),
  );
});

test('a step touches neither the state nor the inputs it is given', () => {
  const state = deepFreeze(gameOf([1, 2]));
  const inputs = new Map([[1, Object.freeze({ x: 1, y: 0, dash: true })]]);
  expect(step(state, inputs, TICK_SECONDS).tick).toBe(1);
  expect(state.tick).toBe(0);
});

test('whatever players do, ships stay inside the walls, numbers finite and gems under the limit', () => {
  fc.assert(
    fc.property(script, (ticks) => {
      let state = gameOf([1, 2, 3, 4]);
      for (const four of ticks) {
        state = step(state, new Map(four.map((one, i) => [i + 1, one])), TICK_SECONDS);
      }
      for (const ship of state.ships) {
        expect(Object.values(ship).every(Number.isFinite)).toBe(true);
        // Pushing apart comes after the wall: half a radius over is put right by the next tick.
        expect(ship.x).toBeGreaterThanOrEqual(0);
        expect(ship.x).toBeLessThanOrEqual(rules.width);
        expect(ship.y).toBeGreaterThanOrEqual(0);
        expect(ship.y).toBeLessThanOrEqual(rules.height);
        expect(Math.hypot(ship.hx, ship.hy)).toBeCloseTo(1);
      }
      expect(state.gems.length).toBeLessThanOrEqual(rules.gemsMax);
    }),
  );
});

test('gems change hands and never multiply: the world grows by what it spawns alone', () => {
  fc.assert(
    fc.property(script, (ticks) => {
      const total = (state: GameState): number =>
        state.gems.length + state.ships.reduce((sum, ship) => sum + ship.score, 0);
      let state = gameOf([1, 2, 3, 4]);
      for (const four of ticks) {
        const before = total(state);
        state = step(state, new Map(four.map((one, i) => [i + 1, one])), TICK_SECONDS);
        const spawns = state.tick % rules.gemEveryTicks === 0 ? 1 : 0;
        expect(total(state) - before).toBeLessThanOrEqual(spawns);
        expect(total(state)).toBeGreaterThanOrEqual(before);
      }
    }),
  );
});

test('a ship flies where it is pushed and no faster than its top speed', () => {
  const state = place(gameOf([1]), 1, { x: 200, y: 450, vx: 0, vy: 0 });
  const after = play(state, 45, new Map([[1, { x: 1, y: 0, dash: false }]]));
  expect(shipOf(after, 1).x).toBeGreaterThan(500);
  expect(shipOf(after, 1).vx).toBeLessThanOrEqual(rules.maxSpeed);
  expect(shipOf(after, 1).hx).toBe(1);
});

test('flying diagonally is not faster than flying straight', () => {
  const speed = (x: number, y: number): number => {
    const start = place(gameOf([1]), 1, { x: 300, y: 100, vx: 0, vy: 0 });
    const ship = shipOf(play(start, 20, new Map([[1, { x, y, dash: false }]])), 1);
    return Math.hypot(ship.vx, ship.vy);
  };
  expect(speed(1, 1)).toBeCloseTo(speed(1, 0));
});

test('a ram makes the other ship drop gems, stuns it once and ends the dash', () => {
  let state = gameOf([1, 2]);
  state = place(state, 1, { x: 700, y: 450, hx: 1, hy: 0 });
  state = place(state, 2, { x: 780, y: 450, score: 10 });
  state = { ...state, gems: [] };
  const inputs = new Map([[1, { x: 1, y: 0, dash: true }]]);
  const hit = play(state, 2, inputs);
  expect(shipOf(hit, 2)).toMatchObject({ score: 10 - rules.gemsDropped, stun: rules.stunTicks });
  expect(shipOf(hit, 1).dash).toBe(0);
  expect(hit.gems).toHaveLength(rules.gemsDropped);
  expect(hit.events).toContainEqual({ type: 'rammed', by: 1, ship: 2, gems: rules.gemsDropped });
  const later = play(hit, rules.stunTicks - 2, inputs);
  expect(shipOf(later, 2).stun).toBe(2);
});

test('a dash waits for its cooldown', () => {
  const inputs = new Map<number, Input>([[1, { x: 1, y: 0, dash: true }]]);
  const starts: number[] = [];
  let state = gameOf([1]);
  for (let i = 0; i < 100; i += 1) {
    state = step(state, inputs, TICK_SECONDS);
    if (state.events.some((event) => event.type === 'dashed')) starts.push(state.tick);
  }
  expect(starts).toEqual([1, 1 + rules.dashCooldownTicks, 1 + rules.dashCooldownTicks * 2]);
});

test('a gem is one point for the nearest ship that touches it', () => {
  let state = place(place(gameOf([1, 2]), 1, { x: 400, y: 400 }), 2, { x: 460, y: 400 });
  state = { ...state, gems: [{ id: 5, x: 420, y: 400, vx: 0, vy: 0, shy: 0 }] };
  const after = step(state, new Map(), TICK_SECONDS);
  expect(after.events).toContainEqual({ type: 'collected', ship: 1, gem: 5 });
  expect([shipOf(after, 1).score, shipOf(after, 2).score]).toEqual([1, 0]);
});

test('a round ends with its winner, pauses, and starts again from nought', () => {
  const state = place(gameOf([1, 2]), 2, { score: 9 });
  const over = play({ ...state, gems: [], phaseTicksLeft: 1 }, 1);
  expect(over.phase).toBe('pause');
  expect(over.events).toContainEqual({ type: 'roundOver', winner: 2, score: 9 });
  const again = play(over, rules.pauseTicks);
  expect(again.phase).toBe('play');
  expect(again.ships.map((ship) => ship.score)).toEqual([0, 0]);
});

test('between rounds nobody scores and no dash starts', () => {
  const pause: GameState = { ...gameOf([1]), phase: 'pause', phaseTicksLeft: rules.pauseTicks };
  const after = play(pause, 60, new Map([[1, { x: 1, y: 1, dash: true }]]));
  expect(shipOf(after, 1)).toMatchObject({ score: 0, dash: 0, cooldown: 0 });
});

test('a ninth ship and a known id change nothing; a returning player keeps the score', () => {
  const full = gameOf([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(addShip(full, 9)).toBe(full);
  expect(addShip(full, 3)).toBe(full);
  expect(shipOf(addShip(removeShip(full, 3), 3, 12), 3).score).toBe(12);
});

test('every ship has a colour of its own, and a freed one is given again', () => {
  const colors = (state: GameState): number[] => state.ships.map((ship) => ship.color);
  const full = gameOf([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(colors(full)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(shipOf(addShip(removeShip(full, 4), 12), 12).color).toBe(3);
});

test('a player without input drifts to a stop', () => {
  const moving = place(gameOf([1]), 1, { x: 800, y: 450, vx: 300, vy: 0 });
  expect(Math.abs(shipOf(play(moving, 90, new Map([[1, idle]])), 1).vx)).toBeLessThan(1);
});

function deepFreeze(state: GameState): GameState {
  for (const one of [...state.ships, ...state.gems]) Object.freeze(one);
  Object.freeze(state.ships);
  Object.freeze(state.gems);
  return Object.freeze(state);
}
