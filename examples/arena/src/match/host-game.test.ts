import { expect, test } from 'vitest';
import { decodeSnapshot, encodeThrust, type Ship } from '../game/index.ts';
import { HostGame } from './host-game.ts';

function shipOf(host: HostGame, id: number): Ship | undefined {
  return host.state.ships.find((ship) => ship.id === id);
}

test('a tick hands out the state as bytes, and the newest thrust counts until the next', () => {
  const host = new HostGame(1);
  host.join(1);
  host.thrust(1, encodeThrust({ number: 9, x: 0, y: 1 }));
  const first = decodeSnapshot(host.tick().snapshot);
  expect(first).toMatchObject({ tick: 1, ships: [{ id: 1, hy: 1, ack: 9 }] });
  const vy = first?.ships[0]?.vy ?? 0;
  expect(decodeSnapshot(host.tick().snapshot)?.ships[0]?.vy).toBeGreaterThan(vy);
});

test('a dash is for one tick: one that cannot start now does not start later', () => {
  const host = new HostGame(1);
  host.join(1);
  host.dash(1);
  expect(host.tick().events).toContainEqual({ type: 'dashed', ship: 1 });
  host.dash(1);
  const later = Array.from({ length: 60 }, () => host.tick().events).flat();
  expect(later.filter((event) => event.type === 'dashed')).toEqual([]);
});

test('strangers and malformed bytes change nothing', () => {
  const host = new HostGame(1);
  host.join(1);
  host.thrust(99, encodeThrust({ number: 1, x: 1, y: 1 }));
  host.dash(99);
  host.thrust(1, Uint8Array.of(127));
  host.thrust(1, new Uint8Array(1000));
  host.tick();
  expect(host.state.ships).toHaveLength(1);
  expect(shipOf(host, 1)).toMatchObject({ vx: 0, vy: 0 });
});

test('who comes back in the same round has the old score, who left for good does not', () => {
  const host = new HostGame(4);
  host.join(1);
  host.join(2);
  const gem = (): { x: number; y: number } => host.state.gems[0] ?? { x: 0, y: 0 };
  for (let i = 0; i < 600 && shipOf(host, 2)?.score === 0; i += 1) {
    const ship = shipOf(host, 2);
    const length = Math.hypot(gem().x - (ship?.x ?? 0), gem().y - (ship?.y ?? 0)) || 1;
    const to = { x: (gem().x - (ship?.x ?? 0)) / length, y: (gem().y - (ship?.y ?? 0)) / length };
    host.thrust(2, encodeThrust({ number: 1, ...to }));
    host.tick();
  }
  const score = shipOf(host, 2)?.score;
  expect(score).toBeGreaterThan(0);
  host.leave(2);
  expect(shipOf(host, 2)).toBeUndefined();
  host.join(2);
  expect(shipOf(host, 2)?.score).toBe(score);
  host.leave(2, true);
  host.join(2);
  expect(shipOf(host, 2)?.score).toBe(0);
});
