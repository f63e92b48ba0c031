import { expect, test } from 'vitest';
import type { Snapshot, SnapshotShip } from '../game/index.ts';
import { History } from './history.ts';

const TICK_MS = 1000 / 30;

function ship(x: number): SnapshotShip {
  const rest = {
    vx: 0,
    vy: 0,
    hx: 1,
    hy: 0,
    score: 0,
    dash: 0,
    cooldown: 0,
    stun: 0,
    color: 0,
    ack: 0,
  };
  return { id: 1, x, y: 100, ...rest };
}

function snapshot(tick: number, x: number): Snapshot {
  return { tick, phase: 'play', phaseTicksLeft: 100, ships: [ship(x)], gems: [] };
}

/** Pushes a snapshot for each tick at the time it is due, ten units apart. */
function filled(ticks: readonly number[], capacity?: number): History {
  const history = new History({ delayTicks: 2, ...(capacity && { capacity }) });
  for (const tick of ticks) history.push(snapshot(tick, tick * 10), tick * TICK_MS);
  return history;
}

test('the picture runs two ticks behind and glides between snapshots', () => {
  const history = filled([1, 2, 3, 4, 5, 6]);
  expect(history.frame(6 * TICK_MS)?.ships[0]?.x).toBeCloseTo(40, 1);
  expect(history.frame(6.5 * TICK_MS)?.ships[0]?.x).toBeCloseTo(45, 1);
});

test('a lost snapshot is bridged by its neighbours', () => {
  const history = filled([1, 2, 3, 5, 6]);
  expect(history.frame(6 * TICK_MS)?.ships[0]?.x).toBeCloseTo(40, 1);
});

test('with nothing new the newest state stays, it does not fly on', () => {
  const history = filled([1, 2, 3]);
  expect(history.frame(100 * TICK_MS)?.ships[0]?.x).toBe(30);
});

test('a snapshot that came late changes nothing', () => {
  const history = filled([1, 2, 3]);
  history.push(snapshot(2, 999), 4 * TICK_MS);
  expect(history.latest?.tick).toBe(3);
  expect(history.at(2)?.ships[0]?.x).toBe(20);
});

test('a ship that was put elsewhere jumps', () => {
  const history = new History({ delayTicks: 2 });
  for (const [tick, x] of [
    [1, 100],
    [2, 900],
    [3, 900],
  ] as const) {
    history.push(snapshot(tick, x), tick * TICK_MS);
  }
  expect(history.frame(3.5 * TICK_MS)?.ships[0]?.x).toBe(900);
});

test('no more snapshots are kept than the capacity, the oldest go first', () => {
  expect(filled([1, 2, 3, 4, 5], 3).ticks).toEqual([3, 4, 5]);
});

test('one snapshot that hung in the network does not make the picture stutter', () => {
  const history = filled([1, 2, 3, 4, 5, 6, 7, 8]);
  history.push(snapshot(9, 90), 9 * TICK_MS + 20);
  history.push(snapshot(10, 100), 10 * TICK_MS);
  expect(history.frame(10 * TICK_MS)?.ships[0]?.x).toBeCloseTo(80, 0);
});
