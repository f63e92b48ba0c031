import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { browserScheduler } from '../../packages/partyline/src/browser/scheduler.ts';
import { nodeScheduler } from '../../packages/partyline/src/node/scheduler.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const schedulers = { node: nodeScheduler, browser: browserScheduler };

test.each(Object.entries(schedulers))('%s: runs once after the delay, unless cancelled', (_, s) => {
  const log: string[] = [];
  s.after(10, () => log.push('a'));
  const cancel = s.after(10, () => log.push('b'));
  cancel();
  cancel();
  vi.advanceTimersByTime(9);
  expect(log).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(log).toEqual(['a']);
});

test.each(
  Object.entries(schedulers).flatMap(([shell, s]) => [
    [shell, 2 ** 31, s] as const,
    [shell, Infinity, s] as const,
  ]),
)('%s: a delay of %s ms does not fire at once', (_, delayMs, s) => {
  const log: string[] = [];
  s.after(delayMs, () => log.push('fired'));
  vi.advanceTimersByTime(2 ** 31 - 2);
  expect(log).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(log).toEqual(['fired']);
});
