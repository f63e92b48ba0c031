import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addShip,
  decodeSnapshot,
  decodeThrust,
  encodeSnapshot,
  encodeThrust,
  type GameState,
  MAX_SNAPSHOT_BYTES,
  newGame,
  rules,
  step,
  TICK_SECONDS,
} from './index.ts';

function fullGame(): GameState {
  let state = newGame(3);
  for (let id = 1; id <= rules.maxShips; id += 1) state = addShip(state, 0x7fff_fff0 + id);
  const gem = { x: 1499, y: 1049, vx: 0, vy: 0, shy: 0 };
  return { ...state, gems: Array.from({ length: rules.gemsMax }, (_, id) => ({ id, ...gem })) };
}

test('a snapshot comes back as it was, to within half a step of its rounding', () => {
  let state = addShip(addShip(newGame(1), 1), 0x7fff_ffff);
  const inputs = new Map([[1, { x: 0.6, y: -1, dash: true }]]);
  for (let i = 0; i < 50; i += 1) state = step(state, inputs, TICK_SECONDS);
  const seen = decodeSnapshot(encodeSnapshot(state));
  expect(seen).toMatchObject({ tick: 50, phase: 'play', phaseTicksLeft: rules.roundTicks - 50 });
  expect(seen?.gems.map((gem) => gem.id)).toEqual(state.gems.map((gem) => gem.id));
  state.ships.forEach((ship, index) => {
    const copy = seen?.ships[index];
    expect(copy).toMatchObject({ id: ship.id, score: ship.score, cooldown: ship.cooldown });
    expect(Math.abs((copy?.x ?? 0) - ship.x)).toBeLessThanOrEqual(1 / 64);
    expect(Math.abs((copy?.vy ?? 0) - ship.vy)).toBeLessThanOrEqual(0.5);
    expect(Math.abs((copy?.hx ?? 0) - ship.hx)).toBeLessThanOrEqual(1 / 254);
  });
});

test('a ship carries the number of the thrust that its tick knew', () => {
  const state = addShip(addShip(newGame(1), 1), 2);
  const seen = decodeSnapshot(encodeSnapshot(state, new Map([[2, 77]])));
  expect(seen?.ships.map(({ ack }) => ack)).toEqual([0, 77]);
});

test('the largest snapshot has exactly the stated size and decodes', () => {
  const bytes = encodeSnapshot(fullGame());
  expect(bytes.length).toBe(MAX_SNAPSHOT_BYTES);
  expect(decodeSnapshot(bytes)?.ships).toHaveLength(rules.maxShips);
});

test('hostile bytes decode to a bounded snapshot or to nothing, and never throw', () => {
  const good = encodeSnapshot(fullGame());
  const mutated = fc
    .tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length))
    .map(([at, value, length]) => {
      const bytes = good.slice(0, length);
      if (at < length) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 700 }), mutated), (bytes) => {
      const seen = decodeSnapshot(bytes);
      if (!seen) return;
      expect(seen.ships.length).toBeLessThanOrEqual(rules.maxShips);
      expect(seen.gems.length).toBeLessThanOrEqual(rules.gemsMax);
    }),
  );
});

test('one byte more or less than the counts say is refused', () => {
  const good = encodeSnapshot(addShip(newGame(1), 1));
  expect(decodeSnapshot(good.slice(0, -1))).toBeUndefined();
  expect(decodeSnapshot(Uint8Array.of(...good, 0))).toBeUndefined();
  expect(decodeSnapshot(good)).toBeDefined();
});

test('thrust comes back within 1/254 and cannot leave −1 to 1', () => {
  fc.assert(
    fc.property(fc.double(), fc.double(), (x, y) => {
      const seen = decodeThrust(encodeThrust({ number: 300, x, y }));
      const wanted = Number.isFinite(x) ? Math.min(1, Math.max(-1, x)) : 0;
      expect(seen?.number).toBe(300 & 0xff);
      expect(Math.abs((seen?.x ?? 9) - wanted)).toBeLessThanOrEqual(1 / 254 + 1e-9);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4 }), (bytes) => {
      const seen = decodeThrust(bytes);
      expect(seen === undefined).toBe(bytes.length !== 3);
      if (seen) expect(Math.max(Math.abs(seen.x), Math.abs(seen.y))).toBeLessThanOrEqual(1);
    }),
  );
});
