import { NetError } from '../base/index.ts';

/** GNS's `FakePacket*` and `FakeRateLimit_*` of one direction: a bad network inside the endpoint. */
export interface FakeConditions {
  /** Percent of datagrams lost (FakePacketLoss). Default 0. */
  lossPercent?: number;
  /** Delay of every datagram, in ms (FakePacketLag). Default 0. */
  lagMs?: number;
  /** Mean of the exponential delay of those that jitter, in ms; it swaps none (FakePacketJitter_Avg). Default 0: no jitter. */
  jitterAvgMs?: number;
  /** Its upper limit, in ms (FakePacketJitter_Max). Default 100. */
  jitterMaxMs?: number;
  /** Percent of datagrams that jitter (FakePacketJitter_Pct). Default 75. */
  jitterPercent?: number;
  /** Percent of datagrams delayed by {@link FakeConditions.reorderMs} more (FakePacketReorder). Default 0. */
  reorderPercent?: number;
  /** In ms (FakePacketReorder_Time). Default 15. */
  reorderMs?: number;
  /** Percent of datagrams doubled, the copy up to {@link FakeConditions.duplicateMs} later (FakePacketDup). Default 0. */
  duplicatePercent?: number;
  /** In ms (FakePacketDup_TimeMax). Default 10. */
  duplicateMs?: number;
  /** Datagrams over this rate are lost, in bytes/s (FakeRateLimit_Rate); 0 for no limit. Default 0. */
  rateBytesPerSecond?: number;
  /** What may pass at once under the rate limit, in bytes (FakeRateLimit_Burst). Default 16384. */
  burstBytes?: number;
}

export const fakeDefaults: Readonly<Required<FakeConditions>> = Object.freeze({
  lossPercent: 0,
  lagMs: 0,
  jitterAvgMs: 0,
  jitterMaxMs: 100,
  jitterPercent: 75,
  reorderPercent: 0,
  reorderMs: 15,
  duplicatePercent: 0,
  duplicateMs: 10,
  rateBytesPerSecond: 0,
  burstBytes: 16_384,
});

/** The largest value of each, as in GNS; the lowest is 0. */
export const fakeLimits: Readonly<Required<FakeConditions>> = Object.freeze({
  lossPercent: 100,
  lagMs: 5000,
  jitterAvgMs: 2000,
  jitterMaxMs: 5000,
  jitterPercent: 100,
  reorderPercent: 100,
  reorderMs: 5000,
  duplicatePercent: 100,
  duplicateMs: 5000,
  rateBytesPerSecond: 2 ** 30,
  burstBytes: 2 ** 20,
});

// Object.keys forgets the type of the keys it lists.
const names = Object.keys(fakeDefaults) as readonly (keyof FakeConditions)[];

/**
 * {@link fakeDefaults} itself where nothing deviates. @throws NetError `OPTIONS_INVALID`, naming
 * the value and what it takes.
 */
export function resolveFakeConditions(
  conditions: FakeConditions | undefined,
): Readonly<Required<FakeConditions>> {
  if (conditions === undefined || conditions === fakeDefaults) return fakeDefaults;
  const resolved = { ...fakeDefaults };
  for (const name of names) {
    const value = conditions[name] ?? fakeDefaults[name];
    if (!(value >= 0 && value <= fakeLimits[name])) {
      throw new NetError('OPTIONS_INVALID', `${name} takes 0 to ${fakeLimits[name]}`);
    }
    resolved[name] = value;
  }
  const isAsDefault = names.every((name) => resolved[name] === fakeDefaults[name]);
  return isAsDefault ? fakeDefaults : resolved;
}
