import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate, type RunningRelay, startRelay } from './turn-relay.ts';

/**
 * coturn's own clients against our relay, over loopback: they are the judge of what is said on the
 * wire. From Debian's package `coturn`, whose server is not needed and must not run.
 */
const missing = ['turnutils_uclient', 'turnutils_peer', 'turnutils_stunclient'].filter(
  (program) => !isInstalled(program),
);
if (missing.length > 0 && process.env.CI) throw new Error(`CI needs ${missing.join(', ')}`);
if (missing.length > 0) console.warn(`skipped: apt-get install coturn for ${missing.join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'relay-'));
const cert = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');
const secret = 'secret of the test';
let relay: RunningRelay;
let peer: ChildProcess;
let peerPort = 0;

beforeAll(async () => {
  if (missing.length > 0) return;
  makeCertificate(cert, key);
  relay = await startRelay({ cert, key, secret });
  peerPort = await freeUdpPort();
  const addresses = ['-L', '127.0.0.1', '-L', '::1'];
  peer = spawn('turnutils_peer', [...addresses, '-p', String(peerPort)], { stdio: 'ignore' });
});

afterAll(async () => {
  peer?.kill('SIGKILL');
  await relay?.stop();
  rmSync(folder, { recursive: true });
});

const user = ['-u', 'alice', '-w', 'wonderland'];
const ipv4 = '127.0.0.1';

describe.skipIf(missing.length > 0)('turnutils_uclient', () => {
  test.concurrent.each<[string, string[], string?]>([
    ['UDP and channels, with an even port and its reservation', user],
    ['without the pair', [...user, '-c']],
    ['Send indications', [...user, '-s']],
    ['TCP', [...user, '-t']],
    ['TCP and Send indications', [...user, '-t', '-s']],
    ['TLS', [...user, '-t', '-S']],
    ['TLS and Send indications', [...user, '-t', '-S', '-s']],
    ['relay to relay', [...user, '-y']],
    ['relay to relay by Send indications', [...user, '-y', '-s']],
    ['relay to relay over TCP', [...user, '-y', '-t']],
    ['IPv4 by name', [...user, '-X']],
    ['IPv6 peers', [...user, '-x'], '::1'],
    ['both families in one allocation', [...user, '-Z', '-c']],
    ['both families, Send indications', [...user, '-Z', '-c', '-s']],
    ['DONT-FRAGMENT', [...user, '-g', '-s']],
    ['padded channels on UDP', [...user, '-D']],
    ['more permissions and channels', [...user, '-G']],
    ['random disconnects', [...user, '-B']],
    ['signed credentials', ['-u', 'bob', '-W', secret, '-C', ':']],
  ])(
    '%s: nothing is lost',
    async (_, flags, peerHost = ipv4) => {
      const { code, output } = await uclient([...flags, '-n', '5', '-m', '2'], peerHost);
      expect({ code, output }).toMatchObject({
        code: 0,
        output: expect.stringContaining('Total lost packets 0 (0.000000%)'),
      });
    },
    60_000,
  );

  test.concurrent('a client at an IPv6 address', async () => {
    const flags = [...user, '-x', '-n', '5'];
    expect((await uclient(flags, '::1', '::1')).output).toContain('Total lost packets 0 ');
  }, 60_000);

  test.concurrent('without permissions nothing comes back', async () => {
    const { output } = await uclient([...user, '-c', '-I', '-s', '-n', '3', '-m', '1'], ipv4);
    expect(output).toContain('(100.000000%)');
  }, 60_000);

  /**
   * What these do is random, and some of it is meant to be refused: even coturn's own server ends
   * them in different ways. What counts is that others are served as before.
   */
  test.each([
    ['negative tests', ['-N']],
    ['negative tests of the protocol', ['-R']],
    ['both over TCP', ['-N', '-R', '-t']],
    ['connect and exit', ['-O', '-m', '100']],
  ])(
    '%s: the relay serves on',
    async (_, flags) => {
      const abused = Array.from({ length: 3 }, () =>
        uclient([...user, ...flags], ipv4, ipv4, 5000),
      );
      const during = await uclient([...user, '-n', '5'], ipv4);
      expect(during.output).toContain('Total lost packets 0 ');
      await Promise.all(abused);
      expect((await uclient([...user, '-n', '5', '-c'], ipv4)).output).toContain('lost packets 0 ');
    },
    60_000,
  );

  test.concurrent.each([
    ['a wrong password', ['-u', 'alice', '-w', 'guess']],
    ['an unknown name', ['-u', 'mallory', '-w', 'wonderland']],
    ['another secret', ['-u', 'bob', '-W', 'guess', '-C', ':']],
  ])('%s: no allocation', async (_, flags) => {
    const { code, output } = await uclient(flags, ipv4);
    expect(code).not.toBe(0);
    expect(output).toContain('Cannot complete Allocation');
  });
});

test.skipIf(missing.length > 0)('turnutils_stunclient learns its address', async () => {
  const { code, output } = await run('turnutils_stunclient', ['-p', String(relay.port), ipv4]);
  expect(code).toBe(0);
  expect(output).toMatch(/UDP reflexive addr: 127\.0\.0\.1:\d+/);
});

function uclient(
  flags: string[],
  peerHost: string,
  server = ipv4,
  timeoutMs = 50_000,
): Promise<Finished> {
  const ports = ['-p', String(relay.port), '-e', peerHost, '-r', String(peerPort)];
  return run('turnutils_uclient', [...ports, ...flags, server], timeoutMs);
}

interface Finished {
  readonly code: number;
  readonly output: string;
}

function run(program: string, args: string[], timeout = 50_000): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout }, (error, stdout, stderr) => {
      // `code` is the exit code, or the name of what went wrong before there was one.
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
