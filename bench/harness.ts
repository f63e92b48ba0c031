import { parseArgs } from 'node:util';
import { machineFacts, writeSection } from './results.ts';

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

/** What is measured in one go; each side gives one figure per row, in the order of the rows. */
export interface Measurement {
  readonly rows: readonly Row[];
  /** How often both sides have their turn in one run, whose figures are the means (1). */
  readonly slices?: number;
  /** At most so many, and nothing unmeasured before them: for what takes minutes and begins afresh. */
  readonly runs?: number;
  ours(): Promise<readonly number[]>;
  /** Absent where the peer cannot do it. */
  peer?(): Promise<readonly number[]>;
  /** After the last turn: ends what the sides have kept open between turns. */
  close?(): Promise<void>;
}

export interface Bench {
  /** The file's name, and the section's in RESULTS.md. */
  readonly name: string;
  /** Whom ours is compared with, with version. */
  readonly peer: string;
  /** The input, so that a reader can judge the figures. */
  readonly load: string;
  readonly measurements: readonly Measurement[];
}

/** The figures of one side over all runs. */
export interface Figures {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Comparison extends Row {
  readonly ours: Figures;
  readonly peer: Figures | undefined;
  /** ours / peer, of the medians. */
  readonly ratio: number | undefined;
  readonly runs: number;
}

/** Default of `--runs`. */
export const RUNS = 5;

/**
 * Runs a bench as the command line says: `--json` prints one object a line instead of the table,
 * `--write` also puts the table into RESULTS.md, `--runs N` sets how often each side is measured.
 */
export async function runBench(bench: Bench): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      runs: { type: 'string', default: String(RUNS) },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: not a count`);

  const comparisons: Comparison[] = [];
  for (const measurement of bench.measurements) {
    const compared = await compare(measurement, runs);
    comparisons.push(...compared);
    if (values.json) for (const comparison of compared) console.log(toJson(comparison));
  }
  const table = formatTable(bench.peer, comparisons);
  if (!values.json)
    console.log(`${bench.load}\n${runs} runs each, in turn: median (range)\n\n${table}`);
  if (values.write) {
    const how = `${bench.load}\n\n${machineFacts()}; ${runs} runs each, in turn: median (range).`;
    writeSection(bench.name, `${how}\n\n${table}`);
  }
}

/** Ours and the peer in turn, mostly after one unmeasured run of each, so that both meet the same machine. */
export async function compare(measurement: Measurement, wanted: number): Promise<Comparison[]> {
  const runs = Math.min(wanted, measurement.runs ?? wanted);
  const ours: (readonly number[])[] = [];
  const peer: (readonly number[])[] = [];
  try {
    if (measurement.runs === undefined) {
      await measurement.ours();
      await measurement.peer?.();
    }
    for (let run = 0; run < runs; run++) {
      const slices: Record<'ours' | 'peer', (readonly number[])[]> = { ours: [], peer: [] };
      for (let slice = 0; slice < (measurement.slices ?? 1); slice++) {
        slices.ours.push(await measurement.ours());
        slices.peer.push((await measurement.peer?.()) ?? []);
      }
      ours.push(meansOf(slices.ours));
      peer.push(meansOf(slices.peer));
    }
  } finally {
    await measurement.close?.();
  }
  return measurement.rows.map((row, index) => {
    const oursFigures = figuresOf(ours.map((run) => run[index] ?? Number.NaN));
    const hasPeer = measurement.peer !== undefined;
    const peerFigures = hasPeer
      ? figuresOf(peer.map((run) => run[index] ?? Number.NaN))
      : undefined;
    return {
      ...row,
      ours: oursFigures,
      peer: peerFigures,
      ratio: peerFigures && oursFigures.median / peerFigures.median,
      runs,
    };
  });
}

function meansOf(slices: readonly (readonly number[])[]): number[] {
  const [first = []] = slices;
  return first.map((_, row) => {
    const sum = slices.reduce((total, figures) => total + (figures[row] ?? Number.NaN), 0);
    return sum / slices.length;
  });
}

function figuresOf(values: readonly number[]): Figures {
  if (values.some(Number.isNaN)) throw new Error('a side gave fewer figures than there are rows');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    lowest: at(0),
    highest: at(sorted.length - 1),
  };
}

export function toJson({ name, unit, better, ours, peer, ratio, runs }: Comparison): string {
  return JSON.stringify({ name, unit, better, ours: ours.median, peer: peer?.median, ratio, runs });
}

/** An aligned table that is Markdown as well. */
export function formatTable(peer: string, comparisons: readonly Comparison[]): string {
  const lines = [
    ['', 'unit', 'better', 'Partyline', peer, 'ratio'],
    ...comparisons.map((c) => [
      c.name,
      c.unit,
      c.better,
      formatFigures(c.ours),
      c.peer === undefined ? '–' : formatFigures(c.peer),
      c.ratio === undefined ? '–' : `${formatNumber(c.ratio)}×`,
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  // Words to the left, numbers to the right.
  const pad = (cell: string, column: number): string =>
    column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const rule = widths.map((width, column) => '-'.repeat(width - 1) + (column < 3 ? '-' : ':'));
  const [head = [], ...body] = lines.map((cells) => cells.map(pad));
  return [head, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function formatFigures({ median, lowest, highest }: Figures): string {
  return `${formatNumber(median)} (${formatNumber(lowest)}–${formatNumber(highest)})`;
}

/** Three digits that count; no more are stable between runs. */
function formatNumber(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}
