import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Millis } from '../base/index.ts';
import { Bottleneck, type BottleneckOptions } from '../testing/index.ts';
import { SendFlag, Snp, type SnpOptions } from './index.ts';

const PACKET_BYTES = 1232;
const OVERHEAD_BYTES = 44;
const MESSAGE_BYTES = 16_384;
const KIB = 1024;
const WARM_UP_MS = 1500;
const OPTIONS: SnpOptions = {
  sendRateMinBytesPerSecond: 64 * KIB,
  sendRateMaxBytesPerSecond: 64 * KIB * KIB,
  sendBufferBytes: 4 * KIB * KIB,
};

interface Datagram {
  readonly at: Millis;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** One end: numbers packets, protects nothing, puts them on a line. */
class End {
  readonly snp: Snp;
  readonly inbox: Datagram[] = [];
  received = 0;
  #line: Bottleneck;
  #next = 2;
  #first = 0;

  constructor(options: SnpOptions, line: Bottleneck) {
    this.snp = new Snp(0, options);
    this.snp.start(0, 1);
    this.snp.isOpen = true;
    this.#line = line;
  }

  nextAt(now: Millis): Millis {
    return Math.min(
      this.inbox[this.#first]?.at ?? Number.POSITIVE_INFINITY,
      this.snp.nextSendAt(now),
    );
  }

  turn(now: Millis, other: End): void {
    for (
      let d = this.inbox[this.#first];
      d !== undefined && d.at <= now;
      d = this.inbox[this.#first]
    ) {
      this.#first += 1;
      this.snp.handlePacket(now, d.number, this.#next, d.bytes, d.bytes.length);
    }
    for (let m = this.snp.receive(now); m !== undefined; m = this.snp.receive(now)) {
      this.received += m.bytes.length;
    }
    while (this.snp.nextSendAt(now) <= now) {
      const buffer = new Uint8Array(PACKET_BYTES); // it travels
      const length = this.snp.writePacket(now, this.#next, buffer, 0, PACKET_BYTES);
      if (length === 0) break;
      const at = this.#line.send(now, length + OVERHEAD_BYTES);
      this.snp.sent(length + OVERHEAD_BYTES);
      if (at !== undefined) {
        other.inbox.push({ at, number: this.#next, bytes: buffer.subarray(0, length) });
      }
      this.#next += 1;
    }
  }
}

interface Bulk {
  readonly options?: SnpOptions;
  readonly receiver?: SnpOptions;
  readonly flags?: number;
  readonly until?: Millis;
}

/** Messages as fast as they are taken, over the line; what arrived per second once it is warm. */
function bulk(
  line: BottleneckOptions,
  { options = OPTIONS, receiver: more = {}, flags = SendFlag.Reliable, until = 3000 }: Bulk = {},
) {
  const back = new Bottleneck({ bytesPerSecond: 1e9, queueBytes: 1e9, delayMs: line.delayMs });
  const sender = new End(options, new Bottleneck(line));
  const receiver = new End({ receiveBufferBytes: 8 * KIB * KIB, ...more }, back);
  const message = new Uint8Array(MESSAGE_BYTES);
  let before = 0;
  let peak = 0;
  for (let now = 0; now < until; ) {
    while (sender.snp.send(now, message, flags) > 0);
    sender.turn(now, receiver);
    receiver.turn(now, sender);
    if (now < WARM_UP_MS) before = receiver.received;
    peak = Math.max(peak, sender.snp.stats().sendRateBytesPerSecond);
    const next = Math.min(sender.nextAt(now), receiver.nextAt(now));
    now = Math.max(next, now + 0.05);
  }
  const rate = ((receiver.received - before) * 1000) / (until - WARM_UP_MS);
  return { rate, peak, stats: sender.snp.stats() };
}

describe('Snp with a congestion controller', () => {
  test.each([
    [1, 20],
    [10, 20],
    [10, 2],
    [30, 5],
  ])('reliable bulk over %i MB/s with %i ms each way takes 85 percent of it', (mb, delayMs) => {
    const line = { bytesPerSecond: mb * 1e6, queueBytes: mb * 5e5, delayMs };
    const { rate } = bulk(line);
    // Headers take 5 percent.
    expect(rate).toBeGreaterThan(0.85 * mb * 1e6);
  });

  test('2 percent of loss leaves most of it, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const line = { bytesPerSecond: 5e6, queueBytes: 2e6, delayMs: 15, loss: 0.02, seed };
        const { rate } = bulk(line);
        expect(rate).toBeGreaterThan(0.75 * 5e6);
      }),
      { numRuns: 3 },
    );
  });

  test('switched off, or with both limits alike, the rate is GNS’s: SendRateMax', () => {
    const line = { bytesPerSecond: 5e6, queueBytes: 2e6, delayMs: 5 };
    const off = { ...OPTIONS, sendRateMaxBytesPerSecond: 3e6, congestionControl: false };
    expect(bulk(line, { options: off, until: 1600 }).stats.sendRateBytesPerSecond).toBe(3e6);
    const alike = { ...OPTIONS, sendRateMinBytesPerSecond: 2e6, sendRateMaxBytesPerSecond: 2e6 };
    expect(bulk(line, { options: alike, until: 1600 }).stats.sendRateBytesPerSecond).toBe(2e6);
    expect(new Snp(0).stats().sendRateBytesPerSecond).toBe(256 * KIB);
  });

  test('never over SendRateMax', () => {
    const line = { bytesPerSecond: 2e7, queueBytes: 2e6, delayMs: 5 };
    const { peak, rate } = bulk(line, { options: { ...OPTIONS, sendRateMaxBytesPerSecond: 3e6 } });
    expect(peak).toBeLessThanOrEqual(3e6);
    expect(rate).toBeGreaterThan(0.85 * 3e6);
  });

  test('an application that sends little leaves the rate where it is', () => {
    const snp = new Snp(0, OPTIONS);
    expect(snp.stats().sendRateBytesPerSecond).toBe(256 * KIB);
    const line = { bytesPerSecond: 5e6, queueBytes: 2e6, delayMs: 5 };
    const sender = new End(OPTIONS, new Bottleneck(line));
    const receiver = new End({}, new Bottleneck(line));
    for (let now = 0; now < 5000; now += 1) {
      if (now % 16 === 0) sender.snp.send(now, new Uint8Array(100), SendFlag.Reliable);
      sender.turn(now, receiver);
      receiver.turn(now, sender);
    }
    expect(sender.snp.stats().sendRateBytesPerSecond).toBe(256 * KIB);
    expect(receiver.received).toBeGreaterThan(30_000);
  });
});

describe('Snp at a fixed rate', () => {
  const fixed = (rate: number): SnpOptions => ({
    ...OPTIONS,
    sendRateMinBytesPerSecond: rate,
    sendRateMaxBytesPerSecond: rate,
  });

  test('a receiver that takes a third of the rate loses nothing, and gets all that it takes', () => {
    const line = { bytesPerSecond: 3e7, queueBytes: 2e6, delayMs: 0.05 };
    const { rate, stats } = bulk(line, { options: fixed(1e8), until: 2000 });
    expect(stats.packetsLost).toBe(0);
    expect(rate).toBeGreaterThan(0.85 * 3e7);
  });

  test.each([
    ['a near one', 0.1, {}],
    ['a far one', 80, {}],
    ['one that acknowledges as late as GNS', 0.1, { ackEveryPackets: 0 }],
  ])('a receiver that keeps up gets the rate: %s', (_, delayMs, receiver) => {
    const line = { bytesPerSecond: 1e9, queueBytes: 1e8, delayMs };
    const { rate } = bulk(line, { options: fixed(4e7), receiver });
    expect(rate).toBeGreaterThan(0.85 * 4e7);
  });
});
