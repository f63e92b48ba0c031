import { expect, test } from 'vitest';
import { mulberry32 } from '../../testing/index.ts';
import { PortPool } from './port-pool.ts';

function pool(min: number, max: number, restMs = 1000, never: number[] = []): PortPool {
  const random = mulberry32(1);
  const randomBytes = (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => Math.floor(random() * 256));
  return new PortPool({ min, max }, restMs, new Set(never), randomBytes);
}

function takeAll(take: () => number | undefined): number[] {
  const taken: number[] = [];
  for (let port = take(); port !== undefined; port = take()) taken.push(port);
  return taken;
}

test('every port is given out once, in no order', () => {
  const ports = pool(5000, 5099);
  const taken = takeAll(() => ports.take(0));
  expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => 5000 + i));
  expect(taken).not.toEqual(taken.toSorted((a, b) => a - b));
});

test('a port that is listened on is never given out', () => {
  const ports = pool(5000, 5003, 1000, [5001]);
  expect(takeAll(() => ports.take(0)).toSorted((a, b) => a - b)).toEqual([5000, 5002, 5003]);
});

test('a freed port rests before its next owner', () => {
  const ports = pool(5000, 5000, 1000);
  expect(ports.take(0)).toBe(5000);
  ports.give(10, 5000);
  expect(ports.take(1009)).toBeUndefined();
  expect(ports.take(1010)).toBe(5000);
});

test('what was not taken cannot be given back', () => {
  const ports = pool(5000, 5000);
  ports.give(0, 5000);
  expect(ports.take(0)).toBe(5000);
  expect(ports.freePorts).toBe(0);
});

test('RFC 8656 §7.2: even ports, and pairs with the next one', () => {
  const even = pool(5001, 5008);
  expect(takeAll(() => even.takeEven(0)).toSorted()).toEqual([5002, 5004, 5006, 5008]);
  const pairs = pool(5001, 5008);
  expect(takeAll(() => pairs.takePair(0)).toSorted()).toEqual([5002, 5004, 5006]);
  expect(takeAll(() => pairs.take(0)).toSorted()).toEqual([5001, 5008]);
  const broken = pool(5000, 5003, 1000, [5003]);
  expect(takeAll(() => broken.takePair(0))).toEqual([5000]);
});

test('after many rests nothing is lost', () => {
  const ports = pool(5000, 5009, 5);
  for (let now = 0; now < 5000; now++) {
    const port = ports.take(now);
    if (port !== undefined) ports.give(now, port);
  }
  expect(takeAll(() => ports.take(10_000))).toHaveLength(10);
});
