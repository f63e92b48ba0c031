import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Millis } from '../base/index.ts';
import { Bottleneck, mulberry32 } from '../testing/index.ts';
import { CongestionControl, type CongestionLimits } from './congestion.ts';

const PACKET_BYTES = 1276;
const MB = 1_000_000;
/** On a path of less than 3 ms the queue is aimed at 4 ms: less cannot be told from late timers. */
const NOISE_FLOOR_MS = 6;
const LIMITS: CongestionLimits = {
  minBytesPerSecond: 32 * 1024,
  maxBytesPerSecond: 100 * 1024 * 1024,
};

interface Report {
  readonly sentAt: Millis;
  readonly isLost: boolean;
}

/**
 * A sender that always has something to send, and the peer that acknowledges every 32 packets or
 * 25 ms after the first, as an {@link Snp} does.
 */
class Flow {
  readonly control: CongestionControl;
  readonly startsAt: Millis;
  sentAt: Millis;
  delivered = 0;
  peakRate = 0;
  readonly #reports: { at: Millis; batch: Report[]; newestAt: Millis }[] = [];
  #batch: Report[] = [];
  #batchAt: Millis = 0;
  #newestAt: Millis = 0;
  #newestSentAt: Millis = 0;
  #first = 0;

  constructor(limits: CongestionLimits = LIMITS, startsAt: Millis = 0) {
    this.control = new CongestionControl(limits);
    this.startsAt = startsAt;
    this.sentAt = startsAt;
  }

  get nextAt(): Millis {
    return Math.min(this.sentAt, this.#reports[this.#first]?.at ?? Number.POSITIVE_INFINITY);
  }

  step(now: Millis, link: Bottleneck, backMs: number): void {
    const due = this.#reports[this.#first];
    if (due !== undefined && due.at <= now) {
      this.#first += 1;
      this.#takeAck(now, due.batch, due.newestAt);
      return;
    }
    this.control.sent(PACKET_BYTES);
    const arrival = link.send(now, PACKET_BYTES);
    this.#arrive(now, arrival, backMs);
    const rate = this.control.bytesPerSecond;
    this.peakRate = Math.max(this.peakRate, rate);
    this.sentAt = now + (PACKET_BYTES * 1000) / rate;
  }

  #arrive(now: Millis, arrival: Millis | undefined, backMs: number): void {
    if (arrival === undefined) {
      this.#batch.push({ sentAt: now, isLost: true });
      return;
    }
    if (this.#batch.every((r) => r.isLost)) this.#batchAt = arrival;
    else if (arrival > this.#batchAt + 25) this.#acknowledge(this.#batchAt + 25, backMs);
    this.#batch.push({ sentAt: now, isLost: false });
    this.#newestAt = arrival;
    this.#newestSentAt = now;
    this.delivered += PACKET_BYTES;
    if (this.#batch.length >= 32) this.#acknowledge(arrival, backMs);
  }

  #acknowledge(at: Millis, backMs: number): void {
    // The delay since the newest packet came is told, so the sender sees the path alone.
    const newestAt = this.#newestSentAt + (at - this.#newestAt);
    this.#reports.push({ at: at + backMs, batch: this.#batch, newestAt });
    this.#batch = [];
    this.#batchAt = at;
  }

  #takeAck(now: Millis, batch: Report[], newestAt: Millis): void {
    for (const report of batch) {
      if (report.isLost) this.control.lost();
      else this.control.acked(PACKET_BYTES);
    }
    if (batch.some((r) => !r.isLost)) this.control.handleRoundTrip(now, now - newestAt);
  }
}

interface Watch {
  readonly until: Millis;
  readonly from?: Millis;
  readonly onTime?: (now: Millis) => void;
}

interface Outcome {
  /** Bytes/s of each flow from `from` on. */
  readonly rates: number[];
  /** Median and 95th percentile of the queue, in ms. */
  readonly medianQueueMs: number;
  readonly highQueueMs: number;
}

/** Runs the flows over the link; acks take `backMs`. */
function run(link: Bottleneck, flows: readonly Flow[], backMs: number, watch: Watch): Outcome {
  const { until, from = 0, onTime } = watch;
  let before = flows.map(() => 0);
  const queue: number[] = [];
  let sampleAt = from;
  for (;;) {
    let next = flows[0];
    for (const flow of flows) if (flow.nextAt < (next?.nextAt ?? 0)) next = flow;
    const now = next?.nextAt ?? until;
    if (next === undefined || now >= until) break;
    if (now < from) before = flows.map((flow) => flow.delivered);
    for (; sampleAt <= now; sampleAt += 5) queue.push(link.queueMs(now));
    onTime?.(now);
    next.step(now, link, backMs);
  }
  queue.sort((a, b) => a - b);
  return {
    rates: flows.map((f, i) => ((f.delivered - (before[i] ?? 0)) * 1000) / (until - from)),
    medianQueueMs: queue[queue.length >> 1] ?? 0,
    highQueueMs: queue[Math.floor(queue.length * 0.95)] ?? 0,
  };
}

describe('over a bottleneck', () => {
  test.each([
    [1, 40],
    [1, 100],
    [10, 5],
    [10, 40],
    [50, 1],
    [50, 10],
    [50, 40],
  ])(
    '%i MB/s and %i ms: over 85 percent of it, with no standing queue over twice the path',
    (mb, rttMs) => {
      const link = new Bottleneck({
        bytesPerSecond: mb * MB,
        queueBytes: mb * MB,
        delayMs: rttMs / 2,
      });
      const watch = { from: 3000, until: 8000 };
      const { rates, highQueueMs } = run(link, [new Flow()], rttMs / 2, watch);
      expect(share(rates[0], mb)).toBeGreaterThan(0.85);
      expect(highQueueMs).toBeLessThan(Math.max(2 * rttMs, NOISE_FLOOR_MS));
    },
  );

  test('2 percent of random loss costs little of the rate, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(1, 10), (seed, mb) => {
        const line = {
          bytesPerSecond: mb * MB,
          queueBytes: mb * MB,
          delayMs: 20,
          loss: 0.02,
          seed,
        };
        const { rates, highQueueMs } = run(new Bottleneck(line), [new Flow()], 20, {
          from: 3000,
          until: 9000,
        });
        expect(share(rates[0], mb)).toBeGreaterThan(0.8);
        expect(highQueueMs).toBeLessThan(80);
      }),
      { numRuns: 8 },
    );
  });

  test.each([
    [1, 40, 0],
    [10, 40, 3000],
    [10, 10, 3000],
    [50, 40, 3000],
  ])(
    'two flows on %i MB/s, %i ms, the second %i ms later: within 2 to 1 of each other',
    (mb, rttMs, laterMs) => {
      const link = new Bottleneck({
        bytesPerSecond: mb * MB,
        queueBytes: mb * MB,
        delayMs: rttMs / 2,
      });
      const flows = [new Flow(), new Flow(LIMITS, laterMs)];
      const { rates, highQueueMs } = run(link, flows, rttMs / 2, { from: 15_000, until: 20_000 });
      const [a = 0, b = 0] = rates;
      expect(share(a + b, mb)).toBeGreaterThan(0.85);
      expect(Math.max(a, b) / Math.min(a, b)).toBeLessThan(2);
      expect(highQueueMs).toBeLessThan(Math.max(2 * rttMs, NOISE_FLOOR_MS));
    },
  );

  test.each([
    [10, 1],
    [50, 5],
    [1, 10],
  ])('from %i to %i MB/s: it follows within three seconds, and the queue goes', (before, after) => {
    const link = new Bottleneck({ bytesPerSecond: before * MB, queueBytes: MB / 2, delayMs: 20 });
    const onTime = (now: Millis): void => {
      if (now >= 4000) link.bytesPerSecond = after * MB;
    };
    const { rates, highQueueMs } = run(link, [new Flow()], 20, {
      from: 7000,
      until: 10_000,
      onTime,
    });
    expect(share(rates[0], after)).toBeGreaterThan(0.85);
    expect(highQueueMs).toBeLessThan(80);
  });

  test('a path that becomes longer is not taken for a queue for long', () => {
    const link = new Bottleneck({ bytesPerSecond: 5 * MB, queueBytes: MB, delayMs: 20 });
    const onTime = (now: Millis): void => {
      link.delayMs = now < 4000 ? 20 : 60;
    };
    const { rates } = run(link, [new Flow()], 20, { from: 8000, until: 12_000, onTime });
    expect(share(rates[0], 5)).toBeGreaterThan(0.8);
  });

  test('a queue too short to be felt: loss alone holds it back', () => {
    const link = new Bottleneck({ bytesPerSecond: 5 * MB, queueBytes: 12_000, delayMs: 20 });
    const flow = new Flow();
    const { rates } = run(link, [flow], 20, { from: 4000, until: 10_000 });
    expect(share(rates[0], 5)).toBeGreaterThan(0.85);
    expect(flow.control.bytesPerSecond).toBeLessThan(6 * MB);
  });

  test('who sends little keeps the rate for when there is more, whatever the path’s moods', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = mulberry32(seed);
        const control = new CongestionControl(LIMITS);
        for (let now = 0; now < 30_000; now += 16) {
          control.sent(100);
          control.acked(100);
          control.handleRoundTrip(now, 20 + 150 * random() ** 2);
        }
        expect(control.bytesPerSecond).toBe(256 * 1024);
      }),
      { numRuns: 10 },
    );
  });

  test('whatever the link does, the rate stays between SendRateMin and SendRateMax', () => {
    const line = fc.record({
      bytesPerSecond: fc.integer({ min: 10_000, max: 20 * MB }),
      queueBytes: fc.integer({ min: 3000, max: MB }),
      delayMs: fc.integer({ min: 0, max: 150 }),
      loss: fc.constantFrom(0, 0.02, 0.3),
      seed: fc.integer(),
    });
    const limits = { minBytesPerSecond: 64_000, maxBytesPerSecond: 3 * MB };
    fc.assert(
      fc.property(line, (options) => {
        const flow = new Flow(limits);
        let least = Number.POSITIVE_INFINITY;
        const onTime = (): void => {
          least = Math.min(least, flow.control.bytesPerSecond);
        };
        run(new Bottleneck(options), [flow], options.delayMs, { until: 3000, onTime });
        expect(flow.peakRate).toBeLessThanOrEqual(limits.maxBytesPerSecond);
        expect(least).toBeGreaterThanOrEqual(limits.minBytesPerSecond);
      }),
      { numRuns: 30 },
    );
  });
});

function share(rate: number | undefined, mb: number): number {
  return (rate ?? 0) / (mb * MB);
}
