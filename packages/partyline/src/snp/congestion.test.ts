import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Millis } from '../base/index.ts';
import { Bottleneck } from '../testing/index.ts';
import { CongestionControl, type CongestionLimits } from './congestion.ts';

const PACKET_BYTES = 1276;
const MB = 1_000_000;
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
  const before = flows.map(() => 0);
  const queue: number[] = [];
  let sampleAt = from;
  for (;;) {
    let next = flows[0];
    for (const flow of flows) if (flow.nextAt < (next?.nextAt ?? 0)) next = flow;
    const now = next?.nextAt ?? until;
    if (next === undefined || now >= until) break;
    if (now < from) flows.forEach((flow, i) => void (before[i] = flow.delivered));
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
    [10, 40],
    [10, 5],
    [50, 40],
    [50, 10],
    [50, 1],
  ])(
    '%i MB/s, %i ms: at least 85 %% of it, and no standing queue over twice the path',
    (mb, rttMs) => {
      const link = new Bottleneck({
        bytesPerSecond: mb * MB,
        queueBytes: mb * MB,
        delayMs: rttMs / 2,
      });
      const flow = new Flow();
      let t = 0;
      const lines: string[] = [];
      const onTime = (now: number) => {
        if (process.env.TRACE === `${mb}-${rttMs}` && now >= t) {
          t = now + 20;
          lines.push(
            [
              now.toFixed(0),
              flow.control.phase,
              (flow.control.bytesPerSecond / MB / mb).toFixed(2),
              link.queueMs(now).toFixed(1),
              (flow.control as any).dbg?.(),
            ].join(' '),
          );
        }
      };
      const { rates, medianQueueMs, highQueueMs } = run(link, [flow], rttMs / 2, {
        from: 3000,
        until: 9000,
        onTime,
      });
      if (lines.length)
        (process as any)
          .getBuiltinModule('node:fs')
          .writeFileSync('/tmp/partyline/cc-trace.txt', lines.join('\n'));
      console.log(mb, rttMs, (rates[0] ?? 0) / MB / mb, medianQueueMs, highQueueMs, link.dropped);
      expect(rates[0]).toBeGreaterThan(0.85 * mb * MB);
      expect(highQueueMs).toBeLessThan(2 * rttMs + 4);
    },
  );
});
