import { pino } from 'pino';
import { expect, test } from 'vitest';
import { configSchema } from '../config/index.ts';
import { createHttp } from './index.ts';

const config = configSchema.parse({ apps: { arena: {} }, limits: { sockets: 10 } });
const open = (lines: string[] = []) =>
  createHttp({
    config,
    logger: pino({ level: 'info' }, { write: (line) => void lines.push(line) }),
    version: '0.0.0',
    isReady: () => true,
  });

test('connections are bounded, and so is the time a request may take to arrive', async () => {
  const http = await open();
  expect(http.server).toMatchObject({
    requestTimeout: 10_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 5000,
    maxConnections: 1010,
  });
});

test.each([
  ['/healthz', 200],
  ['/v1/info', 200],
  ['/nowhere', 404],
])('%s is answered with %i, nosniff and no-referrer', async (url, status) => {
  const http = await open();
  const answer = await http.inject({ url });
  expect(answer.statusCode).toBe(status);
  expect(answer.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
});

test('what a request did wrong is answered, and not logged as a failure of ours', async () => {
  const lines: string[] = [];
  const http = await open(lines);
  const answer = await http.inject({ method: 'POST', url: '/healthz', payload: 'x'.repeat(2000) });
  expect(answer.statusCode).toBeGreaterThanOrEqual(400);
  expect(lines).toEqual([]);
});
