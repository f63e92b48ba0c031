import { expect, test } from 'vitest';
import { SignalSchedule } from './signal-schedule.ts';
import { isOursKept } from './symmetric.ts';

const never = Number.POSITIVE_INFINITY;

test('the first signal waits 10 ms for a candidate, and not longer', () => {
  const schedule = new SignalSchedule(100);
  expect(schedule.nextAt(never)).toBe(never);
  schedule.want(100);
  expect(schedule.nextAt(never)).toBe(110);
  schedule.candidateKnown(103);
  expect(schedule.nextAt(never)).toBe(103);
});

test('what comes within 2 ms shares a signal', () => {
  const schedule = new SignalSchedule(0);
  schedule.sent(0, false);
  schedule.want(50);
  schedule.want(51);
  expect(schedule.nextAt(never)).toBe(52);
  schedule.sent(52, false);
  expect(schedule.nextAt(never)).toBe(never);
});

test('four signals may follow each other at once, then one every 100 ms', () => {
  const schedule = new SignalSchedule(0);
  const left: number[] = [];
  for (let now = 0; now <= 500; now += 10) {
    schedule.want(now - 2);
    if (schedule.nextAt(never) > now) continue;
    schedule.sent(now, false);
    left.push(now);
  }
  expect(left.slice(0, 4)).toEqual([10, 20, 30, 40]);
  expect(left.slice(4).every((at, i, all) => i === 0 || at - (all[i - 1] ?? 0) === 100)).toBe(true);
  expect(left.length).toBeLessThan(10);
});

test('a request is repeated every 500 ms until it is answered', () => {
  const schedule = new SignalSchedule(0);
  schedule.sent(0, true);
  expect(schedule.nextAt(never)).toBe(500);
  expect(schedule.nextAt(200)).toBe(200);
  schedule.answered();
  expect(schedule.nextAt(never)).toBe(never);
});

test('of two symmetric connections both ends keep the same one', () => {
  for (const [a, b] of [
    [1, 2],
    [2, 1],
    [3, 5],
    [0xffff_ffff, 4],
    [4, 0xffff_fffe],
  ] as const) {
    expect(isOursKept(a, b)).toBe(!isOursKept(b, a));
  }
  expect([isOursKept(2, 4), isOursKept(2, 5)]).toEqual([true, false]);
});
