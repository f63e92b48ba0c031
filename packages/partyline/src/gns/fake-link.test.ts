import { describe, expect, test } from 'vitest';
import { mulberry32 } from '../testing/index.ts';
import { type FakeConditions, FakeLink, fakeLimits, resolveFakeConditions } from './index.ts';

const COUNT = 4000;

/** What comes out of `COUNT` datagrams, one each ms: number and time, in order. */
function through(conditions: FakeConditions): { number: number; at: number }[] {
  const link = new FakeLink<string>(() => resolveFakeConditions(conditions), mulberry32(5));
  const out: { number: number; at: number }[] = [];
  const drain = (now: number): void => {
    for (let d = link.shiftDue(now); d; d = link.shiftDue(now)) {
      out.push({ number: new DataView(d.bytes.buffer).getUint32(0), at: d.at });
    }
  };
  for (let i = 0; i < COUNT; i++) {
    const bytes = new Uint8Array(100);
    new DataView(bytes.buffer).setUint32(0, i);
    link.push(i, 'a', bytes);
    drain(i);
  }
  drain(Number.POSITIVE_INFINITY);
  return out;
}

const isSorted = (out: { number: number }[]): boolean =>
  out.every(({ number }, i) => number >= (out[i - 1]?.number ?? 0));

describe('a bad network inside the endpoint', () => {
  test('without conditions everything passes at once', () => {
    const out = through({});
    expect(out).toHaveLength(COUNT);
    expect(out.every(({ number, at }) => at === number)).toBe(true);
  });

  test('lag delays all alike', () => {
    expect(through({ lagMs: 70 }).every(({ number, at }) => at === number + 70)).toBe(true);
  });

  test('loss takes its share', () => {
    expect(through({ lossPercent: 20 }).length / COUNT).toBeCloseTo(0.8, 1);
  });

  test('jitter has its mean and its limit, and swaps none', () => {
    const out = through({ jitterAvgMs: 0.4, jitterMaxMs: 3, jitterPercent: 100 });
    expect(isSorted(out)).toBe(true);
    const delays = out.map(({ number, at }) => at - number);
    expect(Math.max(...delays)).toBeLessThanOrEqual(3);
    const mean = delays.reduce((sum, d) => sum + d, 0) / COUNT;
    expect(mean).toBeGreaterThan(0.35);
    expect(mean).toBeLessThan(0.6);
  });

  test('reordering swaps, and delays by just its time', () => {
    const out = through({ reorderPercent: 10, reorderMs: 15 });
    expect(isSorted(out)).toBe(false);
    const late = out.filter(({ number, at }) => at === number + 15);
    expect(late.length / COUNT).toBeCloseTo(0.1, 1);
    expect(out.every(({ number, at }) => at === number || at === number + 15)).toBe(true);
  });

  test('duplicates come within their time', () => {
    const out = through({ duplicatePercent: 25, duplicateMs: 10 });
    expect(out.length / COUNT).toBeCloseTo(1.25, 1);
    expect(out.every(({ number, at }) => at - number <= 10)).toBe(true);
  });

  test('over the rate datagrams are lost, after the burst', () => {
    const out = through({ rateBytesPerSecond: 50_000, burstBytes: 1000 });
    expect(out.slice(0, 10).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(out.length / COUNT).toBeCloseTo(0.5, 1);
  });

  // Object.keys forgets the type of the keys it lists.
  test.each(Object.keys(fakeLimits) as (keyof FakeConditions)[])(
    '%s has GNS’s limit and takes no less than 0',
    (name) => {
      const make = (value: number) => () => resolveFakeConditions({ [name]: value });
      expect(make(fakeLimits[name])).not.toThrow();
      expect(make(fakeLimits[name] * 1.01)).toThrow(`${name} takes 0 to ${fakeLimits[name]}`);
      expect(make(-1)).toThrow(name);
      expect(make(Number.NaN)).toThrow(name);
    },
  );
});
