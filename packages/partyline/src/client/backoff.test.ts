import { expect, test } from 'vitest';
import { backoffDefaults, backoffDelayMs } from './backoff.ts';

test('the wait doubles up to its longest, spread over the upper half', () => {
  const longest = [0, 1, 2, 3, 4, 5, 99].map((n) => backoffDelayMs(n, 1, backoffDefaults));
  expect(longest).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  const shortest = [0, 5].map((n) => backoffDelayMs(n, 0, backoffDefaults));
  expect(shortest).toEqual([125, 2500]);
});
