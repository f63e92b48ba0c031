import { expect, test } from 'vitest';
import { CandidatePair } from './candidate-pair.ts';
import { MtuSearch } from './mtu-search.ts';

function search(host: string, type: 'host' | 'relay' = 'host'): MtuSearch {
  const address = { host, port: 1 };
  const candidate = { type, ...address, priority: 1, foundation: '1', component: 1 };
  const local = { candidate, source: { type, address, socket: 1 } };
  const generation = { local: { ufrag: 'a', password: 'a' }, remote: undefined };
  return new MtuSearch(0, new CandidatePair(local, candidate, generation));
}

/** Every size that is asked about, when those up to `carried` are answered at once. */
function sizesOf(one: MtuSearch, carried: number): number[] {
  const sizes: number[] = [];
  for (let now = 0; now < 10_000; now += 100) {
    const size = one.next(now);
    if (size === undefined) continue;
    sizes.push(size);
    if (size <= carried) one.found(now, size);
  }
  return sizes;
}

test('RFC 8899: upwards to the first size that is not answered', () => {
  expect(sizesOf(search('192.0.2.1'), 9000)).toEqual([1252, 1372, 1412, 1464, 1472]);
  expect(sizesOf(search('192.0.2.1'), 1400)).toEqual([1252, 1372, 1412]);
  expect(sizesOf(search('192.0.2.1'), 0)).toEqual([1252]);
});

test('IPv6 and relays leave less', () => {
  expect(sizesOf(search('2001:db8::1'), 9000)).toEqual([1232, 1352, 1392, 1444, 1452]);
  expect(sizesOf(search('192.0.2.1', 'relay'), 9000)).toEqual([1316, 1356, 1408, 1416]);
});

test('ten minutes later the path may be another one', () => {
  const one = search('192.0.2.1');
  sizesOf(one, 0);
  expect(one.next(599_000)).toBeUndefined();
  expect(one.next(601_000)).toBe(1252);
});

test('an answer may take three round trips; one that comes later is not counted', () => {
  const one = search('192.0.2.1');
  one.next(0, 400);
  expect(one.next(1199, 400)).toBeUndefined();
  expect(one.next(1200, 400)).toBeUndefined();
  one.found(1300, 1252);
  expect(one.next(1300, 400)).toBeUndefined();
});
