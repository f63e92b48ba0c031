import { expect, test } from 'vitest';
import { mulberry32, seededBytes, VirtualClock } from './index.ts';

test('timers fire in order of their time, then of their making, each at its own time', () => {
  const clock = new VirtualClock({ now: 100 });
  const fired: [string, number][] = [];
  const note = (name: string) => () => void fired.push([name, clock.now()]);
  clock.after(20, note('b'));
  clock.after(10, note('a'));
  clock.after(20, note('c'));
  clock.after(21, note('late'));
  clock.advance(20);
  expect(fired).toEqual([
    ['a', 110],
    ['b', 120],
    ['c', 120],
  ]);
  expect(clock.now()).toBe(120);
  expect(clock.pendingTimers).toBe(1);
});

test('a timer made inside a timer fires in the same advance when it is due', () => {
  const clock = new VirtualClock();
  const at: number[] = [];
  clock.after(5, () => clock.after(5, () => at.push(clock.now())));
  clock.advance(10);
  expect(at).toEqual([10]);
});

test('what soon queued runs before any timer, and what it queues too', () => {
  const clock = new VirtualClock();
  const order: string[] = [];
  clock.after(0, () => order.push('timer'));
  clock.soon(() => {
    order.push('first');
    clock.soon(() => order.push('second'));
  });
  clock.advance(0);
  expect(order).toEqual(['first', 'second', 'timer']);
});

test('a cancelled timer never fires; cancelling late or twice is harmless', () => {
  const clock = new VirtualClock();
  let fired = 0;
  const cancel = clock.after(1, () => fired++);
  const late = clock.after(2, () => fired++);
  cancel();
  cancel();
  clock.runAll();
  late();
  expect(fired).toBe(1);
});

test('the wall clock moves with the monotonic one', () => {
  const clock = new VirtualClock({ now: 7, wallClockMs: 1_000_000 });
  clock.advance(500);
  expect(clock.wallClockMs()).toBe(1_000_500);
});

test('a promise waiting for a timer goes on between the timers', async () => {
  const clock = new VirtualClock();
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const at: number[] = [];
  const work = (async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(10);
      at.push(clock.now());
    }
  })();
  await clock.advanceAsync(100);
  await work;
  expect(at).toEqual([10, 20, 30]);
});

test('a timer that reschedules itself for ever is an error, not a hang', () => {
  const clock = new VirtualClock();
  const again = (): void => void clock.after(1, again);
  again();
  expect(() => clock.runAll()).toThrow('reschedules itself');
});

test('one seed gives one run, another seed another', () => {
  const draw = (seed: number) => Array.from({ length: 5 }, mulberry32(seed));
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(seededBytes(3)(32)).toEqual(seededBytes(3)(32));
  expect(seededBytes(3)(32)).not.toEqual(seededBytes(4)(32));
});
