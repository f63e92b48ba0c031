import { expect, test } from 'vitest';
import { SendFlag, Snp } from './index.ts';

test('each lane tells its own bytes, and how long what goes before them takes', () => {
  const rate = { sendRateMinBytesPerSecond: 100_000, sendRateMaxBytesPerSecond: 100_000 };
  const snp = new Snp(0, rate);
  snp.configureLanes([{ priority: 0 }, { priority: 1, weight: 1 }, { priority: 1, weight: 3 }]);
  snp.send(0, new Uint8Array(1000), SendFlag.Reliable, 0);
  snp.send(0, new Uint8Array(2000), SendFlag.Unreliable, 1);
  snp.send(0, new Uint8Array(9000), SendFlag.Reliable, 2);
  const [first, second, third] = snp.laneStatuses();
  expect(first?.pendingReliableBytes).toBeGreaterThanOrEqual(1000); // and a header
  expect(first?.pendingReliableBytes).toBeLessThan(1010);
  expect(second).toMatchObject({ priority: 1, weight: 1, pendingUnreliableBytes: 2000 });
  expect(third).toMatchObject({
    weight: 3,
    pendingUnreliableBytes: 0,
    sentUnackedReliableBytes: 0,
  });
  expect(first?.queueTimeMs).toBeCloseTo(10, 0);
  expect(second?.queueTimeMs).toBeCloseTo(10 + 20 + 60, 0); // 6000 bytes of lane 2 beside its 2000
  expect(third?.queueTimeMs).toBeCloseTo(10 + 90 + 20, 0);
});
