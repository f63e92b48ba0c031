import { type Millis, NetError } from '../base/index.ts';

/** GNS's `FakePacket*` of one direction: a bad network inside the endpoint. */
export interface FakeConditions {
  /** Percent of datagrams lost. Default 0. */
  lossPercent?: number;
  /** Delay of every datagram, in ms. Default 0. */
  lagMs?: number;
  /** Percent of datagrams delayed by {@link FakeConditions.reorderMs} more. Default 0. */
  reorderPercent?: number;
  /** In ms. Default 15. */
  reorderMs?: number;
  /** Percent of datagrams doubled, the copy up to {@link FakeConditions.duplicateMs} later. Default 0. */
  duplicatePercent?: number;
  /** In ms. Default 10. */
  duplicateMs?: number;
  /** Percent of datagrams delayed by up to {@link FakeConditions.jitterMs} more. Default 0. */
  jitterPercent?: number;
  /** In ms. Default 0. */
  jitterMs?: number;
  /** Datagrams over this rate are lost, in bytes/s; 0 for no limit. Default 0. */
  rateBytesPerSecond?: number;
  /** What may pass at once under the rate limit, in bytes. Default 16384. */
  burstBytes?: number;
}

export const fakeDefaults: Readonly<Required<FakeConditions>> = Object.freeze({
  lossPercent: 0,
  lagMs: 0,
  reorderPercent: 0,
  reorderMs: 15,
  duplicatePercent: 0,
  duplicateMs: 10,
  jitterPercent: 0,
  jitterMs: 0,
  rateBytesPerSecond: 0,
  burstBytes: 16_384,
});

/** Datagrams held back at once; more are lost, as in a real queue. */
const MAX_HELD = 16_384;

interface Held<Address> {
  readonly at: Millis;
  readonly address: Address;
  readonly bytes: Uint8Array;
}

/** Loses, delays, swaps and doubles the datagrams of one direction, on a seed. */
export class FakeLink<Address> {
  readonly #conditions: Required<FakeConditions>;
  readonly #random: () => number;
  /** Sorted by time; a constant lag appends, so insertion looks at few. */
  readonly #held: Held<Address>[] = [];
  #tokens: number;
  #tokensAt: Millis = 0;

  /** @throws NetError `OPTIONS_INVALID` */
  constructor(conditions: FakeConditions, random: () => number) {
    this.#conditions = { ...fakeDefaults, ...conditions };
    for (const [name, value] of Object.entries(this.#conditions)) {
      const max = name.endsWith('Percent') ? 100 : Number.MAX_SAFE_INTEGER;
      if (!(value >= 0 && value <= max)) {
        throw new NetError('OPTIONS_INVALID', `${name} takes 0 to ${max}`);
      }
    }
    this.#random = random;
    this.#tokens = this.#conditions.burstBytes;
  }

  /** Takes a copy of the datagram, if it is not lost at once. */
  push(now: Millis, address: Address, bytes: Uint8Array): void {
    const { lossPercent, lagMs, reorderPercent, reorderMs, duplicatePercent, duplicateMs } =
      this.#conditions;
    if (this.#chance(lossPercent) || this.#isOverRate(now, bytes.length)) return;
    const { jitterPercent, jitterMs } = this.#conditions;
    let at = now + lagMs;
    if (this.#chance(jitterPercent)) at += this.#random() * jitterMs;
    if (this.#chance(reorderPercent)) at += reorderMs;
    this.#hold(at, address, bytes.slice());
    if (this.#chance(duplicatePercent)) {
      this.#hold(at + this.#random() * duplicateMs, address, bytes.slice());
    }
  }

  /** When the next datagram comes out; Infinity for none. */
  get nextAt(): Millis {
    return this.#held[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  shiftDue(now: Millis): Held<Address> | undefined {
    return this.nextAt <= now ? this.#held.shift() : undefined;
  }

  #chance(percent: number): boolean {
    return percent > 0 && this.#random() * 100 < percent;
  }

  #isOverRate(now: Millis, bytes: number): boolean {
    const { rateBytesPerSecond, burstBytes } = this.#conditions;
    if (rateBytesPerSecond === 0) return false;
    const earned = ((now - this.#tokensAt) * rateBytesPerSecond) / 1000;
    this.#tokens = Math.min(burstBytes, this.#tokens + earned);
    this.#tokensAt = now;
    if (this.#tokens < bytes) return true;
    this.#tokens -= bytes;
    return false;
  }

  #hold(at: Millis, address: Address, bytes: Uint8Array): void {
    if (this.#held.length >= MAX_HELD) return;
    let index = this.#held.length;
    while (index > 0 && (this.#held[index - 1]?.at ?? 0) > at) index -= 1;
    this.#held.splice(index, 0, { at, address, bytes });
  }
}
