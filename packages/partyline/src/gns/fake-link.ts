import type { Millis } from '../base/index.ts';
import { type FakeConditions, fakeDefaults } from './fake-conditions.ts';

/** Datagrams held back at once; more are lost, as in a real queue. */
const MAX_HELD = 16_384;

interface Held<Address> {
  readonly at: Millis;
  readonly address: Address;
  readonly bytes: Uint8Array;
}

/** Loses, delays, swaps and doubles the datagrams of one direction, on a seed. */
export class FakeLink<Address> {
  readonly #current: () => Readonly<Required<FakeConditions>>;
  readonly #random: () => number;
  /** Sorted by time; a constant lag appends, so insertion looks at few. */
  readonly #held: Held<Address>[] = [];
  #tokens: number;
  #tokensAt: Millis = 0;
  #jitteredTo: Millis = Number.NEGATIVE_INFINITY;

  /** `conditions` is asked for every datagram, so that they can change. */
  constructor(conditions: () => Readonly<Required<FakeConditions>>, random: () => number) {
    this.#current = conditions;
    this.#random = random;
    this.#tokens = conditions().burstBytes;
  }

  /** Datagrams pass untouched, and none is held: {@link FakeLink.push} need not be called. */
  get isIdle(): boolean {
    return this.#current() === fakeDefaults && this.#held.length === 0;
  }

  /** Takes a copy of the datagram, if it is not lost at once. */
  push(now: Millis, address: Address, bytes: Uint8Array): void {
    const { lossPercent, reorderPercent, reorderMs, duplicatePercent, duplicateMs } =
      this.#current();
    if (this.#chance(lossPercent) || this.#isOverRate(now, bytes.length)) return;
    let at = this.#afterJitter(now + this.#current().lagMs);
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

  /** GNS: jitter clumps datagrams and never swaps them. */
  #afterJitter(at: Millis): Millis {
    const { jitterAvgMs, jitterMaxMs, jitterPercent } = this.#current();
    if (jitterAvgMs === 0) return at;
    const isLate = this.#chance(jitterPercent);
    const delayMs = isLate ? -Math.log(1 - this.#random()) * jitterAvgMs : 0;
    this.#jitteredTo = Math.max(at + Math.min(delayMs, jitterMaxMs), this.#jitteredTo);
    return this.#jitteredTo;
  }

  #chance(percent: number): boolean {
    return percent > 0 && this.#random() * 100 < percent;
  }

  #isOverRate(now: Millis, bytes: number): boolean {
    const { rateBytesPerSecond, burstBytes } = this.#current();
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
