import { expect, test } from 'vitest';
import { PacketGaps } from './packet-gaps.ts';

/** Packet 1 came at 1000 ms, packet 2 did not, packet 3 came at 1010 ms. */
function withGap(holdsReliable: boolean): PacketGaps {
  const gaps = new PacketGaps();
  gaps.record(1, 1000, holdsReliable);
  gaps.record(3, 1010, false);
  return gaps;
}

test('a peer that sends reliable data is told of a gap at once, as in GNS', () => {
  expect(withGap(true).nackAt).toBe(1013);
});

test('one that does not has nothing to repeat: it is told with what leaves anyhow, or in 50 ms', () => {
  expect(withGap(false).nackAt).toBe(1063);
});

test('reliable data after the gap makes it urgent', () => {
  const gaps = withGap(false);
  gaps.record(4, 1020, true);
  expect(gaps.nackAt).toBe(1013);
});

test('a second after the last reliable data it is not urgent any more', () => {
  const gaps = withGap(true);
  gaps.record(5, 2100, false);
  gaps.stopWaiting(4, 5);
  expect(gaps.nackAt).toBe(2153);
});
