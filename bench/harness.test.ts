import { expect, test } from 'vitest';
import { compare, formatTable, type Measurement, toJson } from './harness.ts';

const rows = [
  { name: 'rate', unit: 'lobbies/s', better: 'higher' },
  { name: 'server CPU', unit: 'µs/lobby', better: 'lower' },
] as const;

function scripted(ours: number[][], peer: number[][], order: string[] = []): Measurement {
  const next = (side: string, figures: number[][]) => async (): Promise<number[]> => {
    order.push(side);
    return figures.shift() ?? [];
  };
  return { rows, ours: next('ours', ours), peer: next('peer', peer) };
}

test('both sides run in turn, after one run of each that does not count', async () => {
  const order: string[] = [];
  const [rate] = await compare(
    scripted(
      [
        [1, 1],
        [300, 4],
        [100, 2],
      ],
      [
        [9, 9],
        [50, 8],
        [50, 8],
      ],
      order,
    ),
    2,
  );
  expect(order).toEqual(['ours', 'peer', 'ours', 'peer', 'ours', 'peer']);
  expect(rate?.ours).toEqual({ median: 200, lowest: 100, highest: 300 });
});

test('slices take turns within a run, whose figure is their mean; then what is open is closed', async () => {
  const order: string[] = [];
  const figures = (...values: number[]): number[][] => values.map((value) => [value, value]);
  const measurement = {
    ...scripted(figures(1, 100, 200, 300, 400), figures(9, 10, 20, 30, 40), order),
    slices: 2,
    close: async () => void order.push('close'),
  };
  const [rate] = await compare(measurement, 2);
  expect(order).toEqual([...Array.from({ length: 5 }, () => ['ours', 'peer']).flat(), 'close']);
  expect(rate?.ours).toEqual({ median: 250, lowest: 150, highest: 350 });
  expect(rate?.ratio).toBe(10);
});

test('the ratio is ours over the peer, of the medians, whatever is better', async () => {
  const same = (figures: number[]): number[][] => Array.from({ length: 4 }, () => figures);
  const compared = await compare(scripted(same([200, 4]), same([50, 8])), 3);
  expect(compared.map((c) => c.ratio)).toEqual([4, 0.5]);
  expect(compared.map((c) => JSON.parse(toJson(c)))).toEqual([
    { name: 'rate', unit: 'lobbies/s', better: 'higher', ours: 200, peer: 50, ratio: 4, runs: 3 },
    {
      name: 'server CPU',
      unit: 'µs/lobby',
      better: 'lower',
      ours: 4,
      peer: 8,
      ratio: 0.5,
      runs: 3,
    },
  ]);
});

test('a side that gives too few figures is an error, not a row without a number', async () => {
  await expect(compare(scripted([[1], [1]], [[1], [1]]), 1)).rejects.toThrow('fewer figures');
});

test('the table is aligned, with three digits that count', () => {
  const figures = { median: 12_345.6, lowest: 0.012_34, highest: 99_999 };
  const table = formatTable('Other 1.0', [
    { ...rows[0], ours: figures, peer: figures, ratio: 1.2345, runs: 3 },
  ]);
  const lines = table.split('\n');
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[2]).toContain('12,300 (0.012–100,000)');
  expect(lines[2]).toContain('1.23×');
});
