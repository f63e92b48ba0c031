import { expect, test } from 'vitest';
import { addressKey, KeyedBuckets, KeyedQueue, Refused, TokenBucket } from './index.ts';

test('a bucket gives its burst at once, then its rate', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([true, true, true, false]);
  expect(bucket.waitMs(0)).toBe(500);
  expect(bucket.take(499)).toBe(false);
  expect(bucket.take(500)).toBe(true);
  expect([1, 2, 3, 4].map(() => bucket.take(1_000_000))).toEqual([true, true, true, false]);
});

test('what costs more than a full bucket waits for a full one and takes it all', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 10 }, 0);
  expect(bucket.take(0, 50)).toBe(true);
  expect(bucket.waitMs(0, 50)).toBe(1000);
  expect(bucket.take(999, 50)).toBe(false);
  expect(bucket.take(1000, 50)).toBe(true);
});

test('a clock that stands still or goes back refills nothing', () => {
  const bucket = new TokenBucket({ perSecond: 1000, burst: 1 }, 100);
  expect(bucket.take(100)).toBe(true);
  expect(bucket.take(50)).toBe(false);
  expect(bucket.take(100)).toBe(false);
});

test('buckets by key are independent, and a flood of keys costs a fixed amount of memory', () => {
  const buckets = new KeyedBuckets({ perSecond: 1, burst: 1 }, 100);
  expect(buckets.take('a', 0)).toBe(true);
  expect(buckets.take('a', 0)).toBe(false);
  expect(buckets.take('b', 0)).toBe(true);
  expect(buckets.waitMs('nobody', 0)).toBe(0);
  for (let n = 0; n < 10_000; n++) buckets.take(`key ${n}`, 0);
  expect(buckets.size).toBe(100);
});

test('tasks of one key run in turn, those of others meanwhile, and a failure stops nobody', async () => {
  const queue = new KeyedQueue(10);
  const log: string[] = [];
  let open = (): void => {};
  const blocked = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = queue.run('a', async () => {
    await blocked;
    log.push('a1');
    throw new Error('a1 failed');
  });
  const second = queue.run('a', async () => log.push('a2'));
  await queue.run('b', async () => log.push('b1'));
  open();
  await expect(first).rejects.toThrow('a1 failed');
  await second;
  expect(log).toEqual(['b1', 'a1', 'a2']);
  expect(queue.size).toBe(0);
});

test('a line that is full refuses, and takes more once it has moved', async () => {
  const queue = new KeyedQueue(2);
  let open = (): void => {};
  const blocked = new Promise<void>((resolve) => {
    open = resolve;
  });
  const waiting = [queue.run('a', () => blocked), queue.run('a', () => blocked)];
  await expect(queue.run('a', async () => {})).rejects.toBeInstanceOf(Refused);
  const anyway = queue.runAnyway('a', async () => 'done');
  open();
  await Promise.all(waiting);
  expect(await anyway).toBe('done');
  await queue.run('a', async () => {});
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['192.0.2.7:4711', '192.0.2.7'],
  ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
])('%s is counted as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});
