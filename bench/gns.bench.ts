import { setTimeout as sleep } from 'node:timers/promises';
import { type End, type Kind, Pair, type Span, span } from './gns/ends.ts';
import { type Measurement, type Row, runBench } from './harness.ts';

const UNRELIABLE = 0;
const NO_NAGLE = 1;
const RELIABLE = 8;
const WARM_UP_MS = 900;
const MEASURED_MS = 1000;
const PINGS = 4000;
const SETTLING_PINGS = 8000;
const DIALS = 40;
const ROUND_TRIP_SLICES = 2;
const TRIES = 3;
const CROWD = 1000;
const TICKS_PER_SECOND = 60;
const TICK_BYTES = 100;
const CROWD_WARM_UP_MS = 1500;
const CROWD_MS = 2000;
/** Each client sends, and is sent to: messages a second at the server, each way. */
const CROWD_RATE = CROWD * TICKS_PER_SECOND;

interface Flow {
  readonly size: number;
  readonly flags: number;
  /** Default: as fast as the library takes them. */
  readonly bytesPerSecond?: number;
}

interface Flown {
  /** At the receiver. */
  readonly received: Span;
  /** Both ends, in s. */
  readonly cpuSeconds: number;
}

/** Messages from the client to the server, in processes of their own. */
async function flow(client: Kind, server: Kind, what: Flow): Promise<Flown> {
  await using pair = await Pair.start(client, server);
  const conn = await pair.dial();
  pair.client.tell('stream', { conn, ...what });
  await sleep(WARM_UP_MS);
  const [received, sent] = await span([pair.server, pair.client], MEASURED_MS);
  if (received === undefined || sent === undefined) throw new Error('two ends were asked');
  if (!(await pair.isConnected(conn))) throw new Error(`${client} to ${server}: disconnected`);
  return { received, cpuSeconds: received.cpuSeconds + sent.cpuSeconds };
}

/** On an overloaded machine the native library ends its process now and then, and connections end: no figure. */
async function patiently(measure: () => Promise<number[]>): Promise<number[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await measure();
    } catch (error) {
      if (tries === TRIES) throw error;
      console.error(`once more: ${error}`);
    }
  }
}

const perSecond = ({ received }: Flown): number => received.messages / received.seconds;
const megabytesPerSecond = ({ received }: Flown): number => received.bytes / received.seconds / 1e6;
const cpuPerMillion = ({ received, cpuSeconds }: Flown): number =>
  (cpuSeconds * 1e6) / received.messages;
const cpuPerGigabyte = ({ received, cpuSeconds }: Flown): number =>
  (cpuSeconds * 1e9) / received.bytes;

const bulk: Flow = { size: 65_536, flags: RELIABLE };
const full: Flow = { size: 1200, flags: UNRELIABLE };
const small: Flow = { size: 64, flags: UNRELIABLE };
const offered: Flow = { size: 64, flags: RELIABLE, bytesPerSecond: 50_000_000 };

async function measureStreams(kind: Kind): Promise<number[]> {
  const a = await flow(kind, kind, bulk);
  const b = await flow(kind, kind, full);
  const c = await flow(kind, kind, small);
  const d = await flow(kind, kind, offered);
  return [
    ...[megabytesPerSecond(a), cpuPerGigabyte(a)],
    ...[perSecond(b), cpuPerMillion(b)],
    ...[perSecond(c), perSecond(d)],
  ];
}

async function oneWay(client: Kind, server: Kind): Promise<number[]> {
  const a = await flow(client, server, bulk);
  return [megabytesPerSecond(a), perSecond(await flow(client, server, full))];
}

async function measureInterop(): Promise<number[]> {
  return [...(await oneWay('ours', 'native')), ...(await oneWay('native', 'ours'))];
}

/** What the native pair does is the measure of both ways. */
async function measureNative(): Promise<number[]> {
  const figures = await oneWay('native', 'native');
  return [...figures, ...figures];
}

async function measureRoundTrips(kind: Kind): Promise<number[]> {
  await using pair = await Pair.start(kind, kind);
  const { client, server } = pair;
  server.tell('receive', { mode: 'echo' });
  const conn = await pair.dial();
  await pings(client, conn, PINGS);
  // Connecting is measured in a process that has begun to be busy, trips once the compiler has settled.
  client.tell('dials', { address: pair.address, count: DIALS });
  const dials = sorted((await client.next('dials')).usec);
  await pings(client, conn, SETTLING_PINGS);
  const times = await pings(client, conn, PINGS);
  const percentile = (p: number): number => times[Math.ceil(times.length * p) - 1] ?? Number.NaN;
  return [percentile(0.5), percentile(0.99), (dials[DIALS >> 1] ?? Number.NaN) / 1000];
}

async function pings(client: End, conn: number, count: number): Promise<number[]> {
  client.tell('pings', { conn, size: 64, flags: UNRELIABLE, count });
  return sorted((await client.next('pings')).usec);
}

function sorted(values: unknown): number[] {
  if (!Array.isArray(values)) throw new Error('times were asked for');
  return values.map(Number).toSorted((a, b) => a - b);
}

/**
 * The clients are the native library's for both servers: a thousand sockets in another Node process
 * would take more than the core that is left for them.
 */
async function measureCrowd(kind: Kind): Promise<number[]> {
  await using pair = await Pair.start('native', kind);
  const { client, server, address } = pair;
  for (const end of [client, server]) end.tell('idle', { usec: 1000 });
  const before = await server.count(true);
  client.tell('crowd', { address, count: CROWD });
  await client.next('crowd');
  await sleep(500);
  const after = await server.count(true);
  const held = (count: typeof after): number => count.heldBytes ?? count.residentBytes;
  const message = { perSecond: TICKS_PER_SECOND, size: TICK_BYTES, flags: NO_NAGLE };
  for (const end of [client, server]) end.tell('ticks', message);
  await sleep(CROWD_WARM_UP_MS);
  const [up, down] = await span([server, client], CROWD_MS);
  if (up === undefined || down === undefined) throw new Error('two ends were asked');
  const passed = up.messages / up.seconds + down.messages / down.seconds;
  return [
    (100 * up.cpuSeconds) / up.seconds,
    (100 * passed) / (2 * CROWD_RATE),
    (held(after) - held(before)) / CROWD / 1024,
  ];
}

const alike = (rows: readonly Row[], measure: (kind: Kind) => Promise<number[]>): Measurement => ({
  rows,
  ours: () => patiently(() => measure('ours')),
  peer: () => patiently(() => measure('native')),
});

await runBench({
  name: 'gns',
  peer: 'GameNetworkingSockets',
  load: `Two processes on loopback, encrypted, both ends of one make unless a row says otherwise; SendRateMin = SendRateMax = 100 MiB/s, which is GNS's own limit, SendBufferSize 4 MiB, RecvBufferSize 8 MiB. Native ends poll every 50 µs. Echo: 64 bytes, unreliable, NoNagle, one at a time, ${PINGS} trips after ${PINGS + SETTLING_PINGS}; connect: ${DIALS} in turn, after the first ${PINGS} trips; both ${ROUND_TRIP_SLICES} times a run, in fresh processes. Crowd: ${CROWD} native clients, ${TICKS_PER_SECOND} × ${TICK_BYTES} B/s each way, sent to all at every tick; both ends look every ms. Memory: what the server process holds more after ${CROWD} connections (ours: heap and buffers after a collection; native: resident). CPU: user and system, both ends.`,
  measurements: [
    alike(
      [
        { name: 'reliable bulk, 64 KiB', unit: 'MB/s', better: 'higher' },
        { name: 'reliable bulk, CPU', unit: 'CPU-s/GB', better: 'lower' },
        { name: 'unreliable, 1200 B', unit: 'message/s', better: 'higher' },
        { name: 'unreliable, 1200 B, CPU', unit: 'CPU-s/million', better: 'lower' },
        { name: 'unreliable, 64 B', unit: 'message/s', better: 'higher' },
        { name: 'reliable, 64 B, 50 MB/s offered', unit: 'message/s', better: 'higher' },
      ],
      measureStreams,
    ),
    {
      ...alike(
        [
          { name: 'echo, median', unit: 'µs', better: 'lower' },
          { name: 'echo, 99th percentile', unit: 'µs', better: 'lower' },
          { name: 'connect, median', unit: 'ms', better: 'lower' },
        ],
        measureRoundTrips,
      ),
      slices: ROUND_TRIP_SLICES,
    },
    alike(
      [
        { name: 'server of 1,000 clients, CPU', unit: '% of a core', better: 'lower' },
        { name: 'server of 1,000 clients, delivered', unit: '% of offered', better: 'higher' },
        { name: 'memory of an idle connection', unit: 'KiB', better: 'lower' },
      ],
      measureCrowd,
    ),
    {
      rows: [
        { name: 'ours to C++: reliable bulk', unit: 'MB/s', better: 'higher' },
        { name: 'ours to C++: unreliable, 1200 B', unit: 'message/s', better: 'higher' },
        { name: 'C++ to ours: reliable bulk', unit: 'MB/s', better: 'higher' },
        { name: 'C++ to ours: unreliable, 1200 B', unit: 'message/s', better: 'higher' },
      ],
      ours: () => patiently(measureInterop),
      peer: () => patiently(measureNative),
    },
  ],
});
