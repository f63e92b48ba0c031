import { networkInterfaces } from 'node:os';
import { type Measurement, type Row, runBench } from './harness.ts';
import type { Figures } from './measured.ts';
import { Program } from './program.ts';

/** What links say and ask while the game says nothing, once opening has died down. */
const SETTLE_MS = 10_000;
const REST_MS = 20_000;
/** This machine's first: a relay lets nobody at loopback in. */
const ADDRESS =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';

const program = (name: string): URL => new URL(`mesh/${name}`, import.meta.url);

/** Of a mesh of so many members. */
const rowsOf = (members: number): readonly Row[] =>
  [
    { name: 'until all have seen all', unit: 'ms' },
    { name: 'CPU for a link, both ends', unit: 'ms' },
    { name: 'CPU of the server for a link', unit: 'ms' },
    { name: 'signals for a link', unit: 'signals' },
    { name: 'UDP sockets of a member', unit: 'sockets' },
    { name: 'TURN allocations of a member', unit: 'allocations' },
    { name: 'memory of a link, both ends', unit: 'KiB' },
    { name: 'CPU at rest of a link, both ends', unit: 'µs/s' },
    { name: 'CPU at rest of all', unit: 'cores' },
    { name: 'until all sockets are closed', unit: 'ms' },
  ].map(({ name, unit }) => ({ name: `${members} members: ${name}`, unit, better: 'lower' }));

/** One mesh in two fresh processes, from the first `openPeer` on; logins and joining do not count. */
async function meshOf(capability: string, count: number): Promise<number[]> {
  await using server = await Program.start(program('partyline-server.ts'), [ADDRESS]);
  const address = `${ADDRESS}:${server.port}`;
  await using members = await Program.start(program('partyline-members.ts'), [address, capability]);
  await members.run('join', count);
  const [startedWith, memberUs, serverUs] = [
    await members.figures(),
    await members.cpuUs(),
    await server.cpuUs(),
  ];
  const elapsedMs = await members.run('mesh', count);
  const [openUs, openServerUs] = [await members.cpuUs(), await server.cpuUs()];
  const [seen, counted] = [await members.figures(), await server.figures()];
  const links = (count * (count - 1)) / 2;
  await members.run('rest', SETTLE_MS);
  const settledUs = await members.cpuUs();
  await members.run('rest', REST_MS);
  const restUs = ((await members.cpuUs()) - settledUs) / (REST_MS / 1000);
  for (const figures of [seen, await members.figures()]) checkEnds(figures, 2 * links);
  const leaveMs = await members.run('leave', count);
  const of = (figures: typeof seen, name: string): number => figures[name] ?? Number.NaN;
  const grownMiB = of(seen, 'residentMiB') - of(startedWith, 'residentMiB');
  return [
    elapsedMs,
    (openUs - memberUs) / 1000 / links,
    (openServerUs - serverUs) / 1000 / links,
    of(counted, 'signals') / links,
    of(seen, 'udpSockets') / count,
    of(counted, 'allocations') / count,
    (grownMiB * 1024) / links,
    restUs / links,
    restUs / 1e6,
    leaveMs,
  ];
}

/** All direct, each announced once, none lost. */
function checkEnds({ direct, connected, disconnected }: Figures, ends: number): void {
  if (direct === ends && connected === ends && disconnected === 0) return;
  const seen = `${direct} direct, ${connected} announced, ${disconnected} lost`;
  throw new Error(`of ${ends} ends of links: ${seen}`);
}

const measurements: readonly Measurement[] = [
  { rows: rowsOf(20), ours: () => meshOf('gns', 20), peer: () => meshOf('webrtc', 20) },
  // The peer does not get there.
  { rows: rowsOf(100), runs: 1, ours: () => meshOf('gns', 100) },
];

await runBench({
  name: 'mesh',
  peer: 'the same by node-datachannel',
  load: '20 and 100 members of one lobby in one process, each with a link to every other one; the server in a process of its own, with its limits for a member; 100 members once, and only by GNS',
  measurements,
});
