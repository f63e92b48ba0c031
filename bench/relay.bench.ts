import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type Measurement, type Row, runBench } from './harness.ts';

/**
 * Our relay and coturn's server, each in a process of its own with one thread that relays, on the
 * first core; the generator (Go, `relay/`) is on the second and counts what arrives. Programs needed:
 * `go`, `turnserver` (Debian: coturn), `taskset`.
 */
const folder = mkdtempSync(join(tmpdir(), 'relay-bench-'));
const generator = join(folder, 'relayload');
/** Of each figure in one run. */
const seconds = 1.5;
/** Of throughput and latency: so short that a mood of the machine which lasts seconds meets both sides. */
const slices = 3;
/** Of all measurements of one start; more is a generator that hangs. */
const GENERATOR_MS = 60_000;
const credentials = ['--user', 'u:p', '--realm', 'r'];

interface Relay extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

function startOurs(): Promise<Relay> {
  // As open as coturn is by default, so that no quota is what is measured.
  const limits = {
    allocationsPerPlayer: 5000,
    allocationsPerAddress: 5000,
    challengesPerSecond: 1e6,
    bytesPerSecondPerPlayer: 1e10,
    bytesPerSecondPerAddress: 1e10,
    portRestSec: 1,
  };
  const command = new URL('../packages/server/bin/partyline.js', import.meta.url).pathname;
  const where = ['--listen', '127.0.0.1:0', '--relay-address', '127.0.0.1'];
  const open = ['--allow-peer', '127.0.0.0/8', '--port-range', '20000-39999'];
  const args = ['relay', ...where, ...open, ...credentials, '--limits', JSON.stringify(limits)];
  return start(['node', command, ...args], 'pipe', portPrinted);
}

function startCoturn(): Promise<Relay> {
  const port = 43_478;
  const where = ['-L', '127.0.0.1', '-E', '127.0.0.1', '-p', String(port)];
  const open = ['--allow-loopback-peers', '--min-port', '44000', '--max-port', '59999'];
  const one = ['--relay-threads', '1', '--no-tls', '--no-dtls', '--no-cli', '-n'];
  const logs = ['-l', '/dev/null', '--pidfile', join(folder, 'turnserver.pid')];
  const args = [...where, ...open, ...one, ...logs, '--lt-cred-mech', '-u', 'u:p', '-r', 'r'];
  return start(['turnserver', ...args], 'ignore', async (child) => {
    await answers(port, child);
    return port;
  });
}

async function start(
  command: string[],
  output: 'pipe' | 'ignore',
  portOf: (child: ChildProcess) => Promise<number>,
): Promise<Relay> {
  const child: ChildProcess = spawn('taskset', ['-c', '0', ...command], {
    stdio: ['ignore', output, output === 'pipe' ? 'inherit' : 'ignore'],
  });
  const port = await portOf(child);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command[0]} did not start`);
  return {
    pid,
    port,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function portPrinted({ stdout }: ChildProcess): Promise<number> {
  if (!stdout) throw new Error('no output');
  for await (const line of createInterface({ input: stdout })) {
    const port = Number(/^listening (\d+)/.exec(line)?.[1]);
    if (Number.isInteger(port)) return port;
  }
  throw new Error('our relay ended before it listened');
}

/** coturn says in no stable words that it listens: it is asked until it answers. */
async function answers(port: number, child: ChildProcess): Promise<void> {
  const binding = Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12));
  const socket = createSocket('udp4');
  const answered = once(socket, 'message').then(() => true);
  try {
    while (child.exitCode === null) {
      socket.send(binding, port, '127.0.0.1');
      if (await Promise.race([answered, delay(100, false)])) return;
    }
  } finally {
    socket.close();
  }
  throw new Error('coturn ended before it answered: is turnserver installed?');
}

type Line = Readonly<Record<string, number | string>>;

/** A figure of one of the generator's measurements. */
function load(relay: Relay, name: string, seconds: number, key: string): number {
  const target = ['-server', `127.0.0.1:${relay.port}`, '-pid', String(relay.pid)];
  const args = ['-c', '1', generator, ...target, '-only', name, '-seconds', String(seconds)];
  const output = execFileSync('taskset', args, { encoding: 'utf8', timeout: GENERATOR_MS });
  const line: Line = JSON.parse(output);
  return Number(line[key]);
}

/** A fresh relay each time: allocations of the run before are in nobody's way. */
function measurement(name: string, key: string, row: Row): Measurement {
  const figures = async (startRelay: () => Promise<Relay>): Promise<number[]> => {
    await using relay = await startRelay();
    return [load(relay, name, seconds, key)];
  };
  return { rows: [row], ours: () => figures(startOurs), peer: () => figures(startCoturn) };
}

/** Both relays run at once, fresh for each row, and the load goes from one to the other. */
function alternating(name: string, key: string, row: Row): Measurement {
  const relays = new Map<() => Promise<Relay>, Relay>();
  const figures = async (startRelay: () => Promise<Relay>): Promise<number[]> => {
    const relay = relays.get(startRelay) ?? (await startRelay());
    relays.set(startRelay, relay);
    return [load(relay, name, seconds / slices, key)];
  };
  return {
    rows: [row],
    slices,
    ours: () => figures(startOurs),
    peer: () => figures(startCoturn),
    close: async () => {
      for (const relay of relays.values()) await relay[Symbol.asyncDispose]();
    },
  };
}

const throughput = [100, 1000].flatMap((size) =>
  ['channel', 'indication'].flatMap((kind) =>
    ['client-to-peer', 'peer-to-client'].map((way) => `${kind} ${way} ${size}`),
  ),
);

const go = new URL('relay', import.meta.url).pathname;
execFileSync('go', ['build', '-o', generator, '.'], { cwd: go, stdio: 'inherit' });
try {
  await runBench({
    name: 'relay',
    peer: 'coturn',
    load: `8 clients with 32 packets under way each, ${slices} slices of ${seconds / slices} s a run, payload of 100 and 1000 bytes, UDP on loopback; the relay on one core, the generator on the other. Allocations: 401, Allocate, Refresh to 0, from 16 at once. Memory: 2000 allocations. Where the time goes, and what batches would save: [README](README.md#relay-where-the-time-goes).`,
    measurements: [
      ...throughput.map((name) =>
        alternating(`throughput ${name}`, 'packetsPerCpuSecond', {
          name,
          unit: 'packet/CPU-s',
          better: 'higher',
        }),
      ),
      alternating('latency', 'addedP50Usec', {
        name: 'added latency, median',
        unit: 'µs',
        better: 'lower',
      }),
      measurement('allocations', 'allocationsPerSecond', {
        name: 'allocations',
        unit: '/s',
        better: 'higher',
      }),
      measurement('memory', 'bytesPerAllocation', {
        name: 'memory of an allocation',
        unit: 'byte',
        better: 'lower',
      }),
    ],
  });
} finally {
  rmSync(folder, { recursive: true });
}
