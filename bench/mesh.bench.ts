import { networkInterfaces } from 'node:os';
import { type Measurement, type Row, runBench } from './harness.ts';
import { Program } from './program.ts';

/** Of one lobby, all in one process: 190 links. */
const MEMBERS = 20;
/** What links say and ask while the game says nothing. */
const REST_MS = 5000;
/** This machine's first: a relay lets nobody at loopback in. */
const ADDRESS =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';

const program = (name: string): URL => new URL(`mesh/${name}`, import.meta.url);

const rows: readonly Row[] = [
  { name: 'until all have seen all', unit: 'ms', better: 'lower' },
  { name: 'members, CPU for a link', unit: 'ms', better: 'lower' },
  { name: 'server, CPU for a link', unit: 'ms', better: 'lower' },
  { name: 'signals for a link', unit: 'signals', better: 'lower' },
  { name: 'UDP sockets of a member', unit: 'sockets', better: 'lower' },
  { name: 'TURN allocations of a member', unit: 'allocations', better: 'lower' },
  { name: 'memory of a link, both ends', unit: 'KiB', better: 'lower' },
  { name: 'links at rest, CPU of a link', unit: 'µs/s', better: 'lower' },
];

/** One mesh in two fresh processes, from the first `openPeer` on; logins and joining do not count. */
async function meshOf(capability: string): Promise<number[]> {
  await using server = await Program.start(program('partyline-server.ts'), [ADDRESS]);
  const address = `${ADDRESS}:${server.port}`;
  await using members = await Program.start(program('partyline-members.ts'), [address, capability]);
  await members.run('join', MEMBERS);
  const [startedWith, memberUs, serverUs] = [
    await members.figures(),
    await members.cpuUs(),
    await server.cpuUs(),
  ];
  const elapsedMs = await members.run('mesh', MEMBERS);
  const [openUs, openServerUs] = [await members.cpuUs(), await server.cpuUs()];
  const [seen, counted] = [await members.figures(), await server.figures()];
  await members.run('rest', REST_MS);
  const restUs = (await members.cpuUs()) - openUs;
  const links = (MEMBERS * (MEMBERS - 1)) / 2;
  if (seen.direct !== 2 * links)
    throw new Error(`${seen.direct} ends of ${links} links are direct`);
  const of = (figures: typeof seen, name: string): number => figures[name] ?? Number.NaN;
  const grownMiB = of(seen, 'residentMiB') - of(startedWith, 'residentMiB');
  return [
    elapsedMs,
    (openUs - memberUs) / 1000 / links,
    (openServerUs - serverUs) / 1000 / links,
    of(counted, 'signals') / links,
    of(seen, 'udpSockets') / MEMBERS,
    of(counted, 'allocations') / MEMBERS,
    (grownMiB * 1024) / links,
    restUs / (REST_MS / 1000) / links,
  ];
}

const measurement: Measurement = {
  rows,
  ours: () => meshOf('gns'),
  peer: () => meshOf('webrtc'),
};

await runBench({
  name: 'mesh',
  peer: 'the same by node-datachannel',
  load: `${MEMBERS} members of one lobby in one process, each with a link to every other one; the server in a process of its own, with its limits for a member`,
  measurements: [measurement],
});
