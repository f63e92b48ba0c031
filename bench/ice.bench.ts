import { join } from 'node:path';
import { introduce } from '../test/natlab/introduce.ts';
import { Lab, RemotePeer, whyNoLab } from '../test/natlab/lab.ts';
import { startLabRelay } from '../test/natlab/lab-relay.ts';
import { heardMore, play, selectedPair } from '../test/natlab/traffic.ts';
import { isDirect, type Nat, natPairs, nats } from '../test/scenario/ice/truth-table.ts';
import { type Row, runBench } from './harness.ts';

/**
 * In the NAT lab (root, iproute2, nftables): every pair of NATs, our relay in reach, ours against
 * aioice (`PYTHON` names its interpreter). From the command to open to `connected` at both ends,
 * gathering and signaling included.
 */
const why = whyNoLab();
if (why !== undefined) throw new Error(`no NAT lab here: ${why}`);

const server = '203.0.113.10';
const stun = { urls: [`stun:${server}:3478`] };
const login = { username: 'u', credential: 'p' };
const byUdp = `turn:${server}:3478?transport=udp`;
const byTcp = `turn:${server}:443?transport=tcp`;
const meetingsPerPair = 3;

await using lab = new Lab(`icb${process.pid % 10_000}`);
await lab.do('up');
const lanOf = (side: 'a' | 'b', nat: Nat): string => `${side}${nat.charAt(0)}`;
for (const nat of nats) {
  await lab.do('lan', lanOf('a', nat), nat);
  await lab.do('lan', lanOf('b', nat), nat);
}
// aioice leaves its allocations to their lifetime of ten minutes: room for those of all runs.
const limits = { allocationsPerPlayer: 10_000 };
const room = ['--port-range', '20000-39999', '--limits', JSON.stringify(limits)];
await startLabRelay(lab, server, ...room);
const bundle = await lab.bundle(join(import.meta.dirname, '../test/natlab/ice-peer.ts'));
const python = process.env.PYTHON ?? 'python3';
const aioice = join(import.meta.dirname, '../interop/ice-clients/aioice_peer.py');
const ours = await openPeers([process.execPath, bundle]);
const theirs = await openPeers([python, aioice]);

type Peers = ReadonlyMap<string, RemotePeer>;

await runBench({
  name: 'ice',
  peer: 'aioice 0.10.1',
  load: `21 pairs of NATs, ${meetingsPerPair} connections each, one after another; both ends connected`,
  measurements: [
    {
      rows: [ms('direct pairs, p50'), ms('direct pairs, p95'), ms('direct pairs, slowest')],
      ours: () => connectTimes(ours, true, () => [byUdp, byTcp]),
      peer: () => connectTimes(theirs, true, () => [byUdp]),
    },
    {
      rows: [ms('relay pairs, p50'), ms('relay pairs, p95'), ms('relay pairs, slowest')],
      ours: () => connectTimes(ours, false, () => [byUdp, byTcp]),
      // It is told which way works; ours has to find out.
      peer: () => connectTimes(theirs, false, (isBlocked) => [isBlocked ? byTcp : byUdp]),
    },
    {
      rows: [{ name: 'direct pairs that were relayed', unit: 'of 13', better: 'lower' }],
      ours: () => relayedPairs(ours),
      peer: () => relayedPairs(theirs),
    },
  ],
});
await printOutages();

function ms(name: string): Row {
  return { name, unit: 'ms', better: 'lower' };
}

async function openPeers(command: readonly string[]): Promise<Peers> {
  const peers = new Map<string, RemotePeer>();
  for (const side of ['a', 'b'] as const) {
    for (const nat of nats) {
      const peer = new RemotePeer(lab, `${lanOf(side, nat)}1`, command);
      await peer.until((line) => line.type === 'ready', 20_000, 0);
      peers.set(lanOf(side, nat), peer);
    }
  }
  return peers;
}

function ends(peers: Peers, [x, y]: readonly [Nat, Nat]): [RemotePeer, RemotePeer] {
  const [a, b] = [peers.get(lanOf('a', x)), peers.get(lanOf('b', y))];
  if (a === undefined || b === undefined) throw new Error(`nobody behind ${x} or ${y}`);
  return [a, b];
}

async function connectTimes(
  peers: Peers,
  wantsDirect: boolean,
  relays: (isBlocked: boolean) => string[],
): Promise<number[]> {
  const times: number[] = [];
  for (const pair of natPairs.filter(([x, y]) => isDirect(x, y) === wantsDirect)) {
    const servers = [stun, { urls: relays(pair.includes('udp-blocked')), ...login }];
    for (let round = 0; round < meetingsPerPair; round++) {
      const meeting = await introduce(...ends(peers, pair), { servers });
      const failed = meeting.outcomes.find(({ state }) => state !== 'connected');
      if (failed !== undefined) throw new Error(`${pair.join(' and ')}: ${failed.failure}`);
      times.push(Math.max(...meeting.outcomes.map(({ tookMs }) => tookMs)));
      await meeting.end();
    }
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return [at(0.5), at(0.95), at(1)];
}

async function relayedPairs(peers: Peers): Promise<number[]> {
  let relayed = 0;
  for (const pair of natPairs.filter(([x, y]) => isDirect(x, y))) {
    const [a, b] = ends(peers, pair);
    const servers = [stun, { urls: [byUdp], ...login }];
    const meeting = await introduce(a, b, { servers });
    if (selectedPair(a)?.isRelayed) relayed += 1;
    await meeting.end();
  }
  return [relayed];
}

/** Ours alone, since aioice has no way back: the longest silence of a game when a NAT reboots. */
async function printOutages(): Promise<void> {
  const [a, b] = ends(ours, ['port-restricted', 'port-restricted']);
  for (const what of ['port', 'ip', 'port', 'ip']) {
    const meeting = await introduce(a, b, {
      servers: [stun, { urls: [byUdp, byTcp], ...login }],
    });
    await play(a, b);
    const startedAt = performance.now();
    await lab.do('rebind', lanOf('a', 'port-restricted'), what);
    const awayMs = Math.round(performance.now() - startedAt);
    const gapMs = Math.round(await heardMore(a, b, 25));
    console.error(`a NAT reboots for ${awayMs} ms, another ${what}: silence of ${gapMs} ms`);
    await meeting.end();
  }
}
