import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import { decodeStats, encodeStats, type StatsMessage } from './index.ts';

const count = fc.nat({ max: 2 ** 31 - 1 });
const share = fc.oneof(
  fc.constant(-1),
  fc.nat({ max: 100 }).map((percent) => percent / 100),
);
const rate = fc.nat({ max: 1_000_000 }).map((tenths) => tenths / 10);

const instantaneous = fc.record({
  outPacketsPerSecond: rate,
  outBytesPerSecond: count,
  inPacketsPerSecond: rate,
  inBytesPerSecond: count,
  pingMs: fc.integer({ min: -1, max: 5000 }),
  packetsDropped: share,
  packetsWeird: share,
  peakJitterUsec: fc.integer({ min: -1, max: 1_000_000 }),
});

const lifetime = fc.record({
  connectedSeconds: count,
  packetsSent: count,
  kilobytesSent: count,
  packetsReceived: count,
  kilobytesReceived: count,
  packetsSequenced: count,
  packetsDropped: count,
  packetsOutOfOrder: count,
  packetsOutOfOrderCorrected: count,
  packetsDuplicate: count,
  packetsLurch: count,
});

const message: fc.Arbitrary<StatsMessage> = fc
  .record({ flags: fc.nat({ max: 31 }), instantaneous, lifetime }, { requiredKeys: ['flags'] })
  .map((made) => made);

test('what is told is what is heard', () => {
  fc.assert(
    fc.property(message, (told) => {
      expect(decodeStats(encodeStats(told))).toEqual(told);
    }),
  );
});

test('it leaves room for data in the packet that carries it', () => {
  fc.assert(
    fc.property(message, (told) => {
      expect(encodeStats(told).length).toBeLessThan(200);
    }),
  );
});

test('any bytes are stats or a DecodeError, and shares stay between 0 and 1', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        const { instantaneous: rates } = decodeStats(bytes);
        if (rates !== undefined) expect(rates.packetsDropped).toBeLessThanOrEqual(1);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('one wrong byte in real stats does no harm', () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.nat({ max: 255 }), (told, at, byte) => {
      const bytes = encodeStats(told);
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      try {
        decodeStats(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});
