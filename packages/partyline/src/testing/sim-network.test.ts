import { expect, test } from 'vitest';
import type { Core } from '../base/index.ts';
import { type LinkConditions, SimNetwork } from './index.ts';

const COUNT = 2000;

/** What arrives at b when a sends 2000 datagrams at time 0, as [number, when]. */
function arrivals(conditions: LinkConditions, seed = 1): [number, number][] {
  const queue = Array.from({ length: COUNT }, (_, i) => i);
  const got: [number, number][] = [];
  const idle = {
    handleTimeout: () => {},
    pollEvent: () => undefined,
    pollTimeout: () => undefined,
  };
  const sender: Core<string, never> = {
    ...idle,
    handleDatagram: () => {},
    pollTransmit: () => {
      const n = queue.shift();
      return n === undefined ? undefined : { to: 'b', bytes: Uint8Array.of(n >> 8, n) };
    },
  };
  const receiver: Core<string, never> = {
    ...idle,
    handleDatagram: (now, _from, [high = 0, low = 0]) => void got.push([high * 256 + low, now]),
    pollTransmit: () => undefined,
  };
  new SimNetwork(sender, receiver, conditions, seed).run();
  return got;
}

test('a clean link delivers all, in order, after its latency', () => {
  const got = arrivals({ latencyMs: 30 });
  expect(got).toEqual(Array.from({ length: COUNT }, (_, i) => [i, 30]));
});

test('loss drops its share', () => {
  expect(arrivals({ loss: 0.25 }).length / COUNT).toBeCloseTo(0.75, 1);
});

test('duplicate delivers its share twice, each copy with its own delay', () => {
  const got = arrivals({ duplicate: 0.25, jitterMs: 10 });
  expect(got.length / COUNT).toBeCloseTo(1.25, 1);
  expect(new Set(got.map(([n]) => n)).size).toBe(COUNT);
});

test('jitter reorders within its bound', () => {
  const got = arrivals({ latencyMs: 20, jitterMs: 10 });
  expect(got.every(([, at]) => at >= 20 && at < 30)).toBe(true);
  expect(got.map(([n]) => n)).not.toEqual(Array.from({ length: COUNT }, (_, i) => i));
});

test('one seed gives one run', () => {
  const bad = { loss: 0.1, duplicate: 0.1, jitterMs: 50 };
  expect(arrivals(bad, 7)).toEqual(arrivals(bad, 7));
  expect(arrivals(bad, 7)).not.toEqual(arrivals(bad, 8));
});
