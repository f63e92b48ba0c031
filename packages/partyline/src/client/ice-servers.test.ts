import { expect, test } from 'vitest';
import { IceServers } from './ice-servers.ts';

const stun = { urls: ['stun:s:1'] };
const answer = { urls: ['turn:s:1'], username: 'u', credential: 'c', ttlSec: 900 };
const relay = { urls: ['turn:s:1'], username: 'u', credential: 'c' };

function asked(ask: () => Promise<typeof answer>): {
  servers: IceServers;
  clock: { now: number };
  count: () => number;
} {
  const clock = { now: 0 };
  let count = 0;
  const servers = new IceServers({
    now: () => clock.now,
    stunUrls: () => ['stun:s:1'],
    ask: () => {
      count++;
      return ask();
    },
  });
  return { servers, clock, count: () => count };
}

test('the credential is asked for once, and again at two thirds of its time', async () => {
  const { servers, clock, count } = asked(async () => answer);
  expect(await Promise.all([servers.get(), servers.get()])).toEqual([
    [stun, relay],
    [stun, relay],
  ]);
  clock.now = 599_999;
  await servers.get();
  expect(count()).toBe(1);
  clock.now = 600_000;
  await servers.get();
  expect(count()).toBe(2);
});

test('a server without a relay, and one that does not answer, leave STUN', async () => {
  const none = asked(async () => ({ ...answer, urls: [], ttlSec: 0 }));
  expect(await none.servers.get()).toEqual([stun]);
  const silent = asked(() => Promise.reject(new Error('no answer')));
  expect(await silent.servers.get()).toEqual([stun]);
  expect(await silent.servers.get()).toEqual([stun]);
  expect(silent.count()).toBe(2);
});
