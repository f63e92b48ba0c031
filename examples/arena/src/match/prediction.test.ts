import { expect, test } from 'vitest';
import {
  decodeSnapshot,
  encodeThrust,
  type Input,
  type Ship,
  type Snapshot,
  TICK_SECONDS,
} from '../game/index.ts';
import { HostGame } from './host-game.ts';
import { Prediction } from './prediction.ts';

const TICK_MS = TICK_SECONDS * 1000;

/** A client whose inputs and states take `delay` ticks each way. */
class Delayed {
  readonly prediction = new Prediction();
  readonly host = new HostGame(3);
  readonly #up: { at: number; bytes: Uint8Array; dash: boolean }[] = [];
  readonly #down: { at: number; snapshot: Snapshot }[] = [];
  readonly #delay: number;
  tick = 0;

  constructor(delay: number) {
    this.#delay = delay;
    this.host.join(1);
  }

  step(input: Input, loseState = false): void {
    this.tick += 1;
    const number = this.tick & 0xff;
    const at = this.tick + this.#delay;
    this.#up.push({ at, bytes: encodeThrust({ number, ...input }), dash: input.dash });
    for (const sent of this.#up.filter((one) => one.at === this.tick)) {
      this.host.thrust(1, sent.bytes);
      if (sent.dash) this.host.dash(1);
    }
    const snapshot = decodeSnapshot(this.host.tick().snapshot);
    if (snapshot && !loseState) this.#down.push({ at, snapshot });
    for (const one of this.#down.filter((two) => two.at === this.tick)) {
      this.prediction.correct(one.snapshot, 1);
    }
    this.prediction.push(number, input, this.tick * TICK_MS);
  }

  get seen(): Ship {
    const ship = this.prediction.ship((this.tick + 1) * TICK_MS);
    if (!ship) throw new Error('no ship is predicted');
    return ship;
  }

  get hosts(): Ship {
    const [ship] = this.host.state.ships;
    if (!ship) throw new Error('the host has no ship');
    return ship;
  }
}

const right: Input = { x: 1, y: 0, dash: false };
const left: Input = { x: -1, y: 0, dash: false };
const none: Input = { x: 0, y: 0, dash: false };

test('the own ship answers in the tick of the key, not a round trip later', () => {
  const client = new Delayed(4);
  for (let i = 0; i < 20; i += 1) client.step(none);
  const x = client.seen.x;
  client.step(right);
  expect(client.seen.x).toBeGreaterThan(x);
  expect(client.hosts.vx).toBe(0);
});

test('what is drawn is where the host puts the ship when it has heard of it', () => {
  const client = new Delayed(4);
  for (let i = 0; i < 20; i += 1) client.step(none);
  for (let i = 0; i < 30; i += 1) client.step(i < 15 ? right : left);
  const { x, y } = client.seen;
  for (let i = 0; i < 4; i += 1) client.step(left);
  // The host is now where the client was four ticks ago, less the rounding of thrust and states.
  expect(Math.abs(client.hosts.x - x)).toBeLessThan(1);
  expect(Math.abs(client.hosts.y - y)).toBeLessThan(1);
});

test('lost states and a dash change nothing about where it ends', () => {
  const client = new Delayed(3);
  for (let i = 0; i < 300; i += 1) {
    client.step({ ...right, y: Math.sin(i / 9), dash: i % 60 === 30 }, i % 3 === 0);
  }
  for (let i = 0; i < 60; i += 1) client.step(none);
  expect(Math.abs(client.seen.x - client.hosts.x)).toBeLessThan(0.1);
  expect(Math.abs(client.seen.y - client.hosts.y)).toBeLessThan(0.1);
});

test('a correction is drawn over some ticks, not as a jump', () => {
  const client = new Delayed(2);
  for (let i = 0; i < 20; i += 1) client.step(none);
  const before = client.seen;
  const pushed = { ...client.hosts, x: client.hosts.x + 60, ack: client.tick & 0xff };
  client.prediction.correct({ phase: 'play', ships: [pushed] }, 1);
  expect(Math.abs(client.seen.x - before.x)).toBeLessThan(1);
  const moved = (): number => Math.abs(client.seen.x - before.x);
  for (let i = 0; i < 3; i += 1) {
    client.prediction.push((client.tick + i + 1) & 0xff, none, (client.tick + i) * TICK_MS);
  }
  expect(moved()).toBeGreaterThan(20);
  expect(moved()).toBeLessThan(60);
});

test('a ship that is put elsewhere is drawn there at once, and none when there is none', () => {
  const client = new Delayed(1);
  for (let i = 0; i < 10; i += 1) client.step(none);
  const far = { ...client.hosts, x: 50, y: 50, ack: client.tick & 0xff };
  client.prediction.correct({ phase: 'play', ships: [{ ...far, x: 1200 }] }, 1);
  client.prediction.correct({ phase: 'play', ships: [far] }, 1);
  expect(client.seen).toMatchObject({ x: 50, y: 50 });
  client.prediction.correct({ phase: 'play', ships: [] }, 1);
  expect(client.prediction.ship(0)).toBeUndefined();
});
