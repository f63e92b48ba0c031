import { expect, test } from 'vitest';
import { describeReach, reachOf } from './reach.ts';

test.each([
  ['127.0.0.1', 'machine'],
  ['::1', 'machine'],
  ['10.0.0.7', 'network'],
  ['192.168.1.2', 'network'],
  ['169.254.3.4', 'network'],
  ['fd00::1', 'network'],
  ['8.8.4.4', 'internet'],
  ['2607:f8b0::1', 'internet'],
])('%s is reached from the %s', (host, reach) => {
  expect(reachOf(host)).toBe(reach);
});

test('what it means is said in words', () => {
  expect(describeReach(['127.0.0.1', '8.8.4.4'], { min: 5, max: 9 })).toBe(
    '127.0.0.1 (players on this machine only), 8.8.4.4 (everybody, if the firewall lets in UDP 5 to 9)',
  );
});
