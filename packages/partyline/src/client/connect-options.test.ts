import { expect, test } from 'vitest';
import { resolveConnectOptions } from './connect-options.ts';

const given = { app: 'game', server: 'http://localhost:7777' };

test.each([
  [undefined, { minDelayMs: 250, maxDelayMs: 5000 }],
  [{ minDelayMs: 10 }, { minDelayMs: 10, maxDelayMs: 5000 }],
  [{ minDelayMs: 9000 }, { minDelayMs: 9000, maxDelayMs: 9000 }],
  [
    { minDelayMs: undefined, maxDelayMs: 300 },
    { minDelayMs: 250, maxDelayMs: 300 },
  ],
])('reconnect %j is %j', (reconnect, resolved) => {
  // JavaScript passes `undefined` where the type says absent.
  const options = { ...given, reconnect: reconnect as { minDelayMs?: number } | undefined };
  expect(resolveConnectOptions(options).reconnect).toEqual(resolved);
});

test.each([
  { reconnect: { minDelayMs: 0 } },
  { reconnect: { minDelayMs: -5 } },
  { reconnect: { minDelayMs: Number.NaN } },
  { reconnect: { minDelayMs: 500, maxDelayMs: 100 } },
  { connectTimeoutMs: 0 },
  { requestTimeoutMs: Infinity },
  { app: 'Not Good' },
  { server: 'ftp://example.org' },
])('%j is the caller’s mistake', (wrong) => {
  const mistake = expect.objectContaining({ code: 'OPTIONS_INVALID' });
  expect(() => resolveConnectOptions({ ...given, ...wrong })).toThrow(mistake);
});
