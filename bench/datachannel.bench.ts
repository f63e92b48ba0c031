import { Ends } from './datachannel/ends.ts';
import { type Bench, runBench } from './harness.ts';

const counts = { opens: 40, warmUpPings: 5000, pings: 5000, streamed: 300_000 } as const;
const SLOW_OPEN_MS = 500;

/** The 90th percentile in milliseconds, and how many took over half a second. */
async function measureOpens(side: 'partyline' | 'raw'): Promise<number[]> {
  await using ends = await Ends.start(side);
  const timesMs: number[] = [];
  for (let n = 0; n < counts.opens; n++) {
    timesMs.push(await ends.open());
    await ends.close();
  }
  const sorted = timesMs.toSorted((a, b) => a - b);
  const p90 = sorted[Math.ceil(counts.opens * 0.9) - 1] ?? Number.NaN;
  return [p90, sorted.filter((ms) => ms > SLOW_OPEN_MS).length];
}

async function measureMessages(side: 'partyline' | 'raw'): Promise<number[]> {
  await using ends = await Ends.start(side);
  await ends.open();
  await ends.figure('pingPong', counts.warmUpPings); // until the compiler has settled
  const roundTripUs = await ends.figure('pingPong', counts.pings);
  return [roundTripUs, await ends.figure('stream', counts.streamed)];
}

const bench: Bench = {
  name: 'datachannel',
  peer: 'node-datachannel 0.33.4',
  load: `Two Node processes on loopback, signals by way of a third. Opening: ${counts.opens} in turn, until both ends can send (ours: verified). Messages of 64 bytes: round trip unreliable, one at a time; stream reliable, in turns of 64. Ours goes through Link: bundled, numbered, acknowledged.`,
  measurements: [
    {
      rows: [
        { name: 'open, 90th percentile', unit: 'ms', better: 'lower' },
        { name: 'opens over 500 ms', unit: `of ${counts.opens}`, better: 'lower' },
      ],
      ours: () => measureOpens('partyline'),
      peer: () => measureOpens('raw'),
    },
    {
      rows: [
        { name: 'round trip, 64 bytes', unit: 'µs', better: 'lower' },
        { name: 'stream, 64 bytes, reliable', unit: 'message/s', better: 'higher' },
      ],
      ours: () => measureMessages('partyline'),
      peer: () => measureMessages('raw'),
    },
  ],
};

await runBench(bench);
