import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nativeBinary } from './gns-native.ts';
import { ownAddress, P2pPair, p2pSeats } from './gns-p2p-rig.ts';
import { type RunningRelay, runRelay } from './turn-relay.ts';

/** GNS P2P where no direct path is allowed: through our relay, and through coturn. */
const hasCoturn = isInstalled('turnserver');
if (!hasCoturn && process.env.CI) throw new Error('CI needs turnserver');
if (!hasCoturn) console.warn('skipped: apt-get install coturn for turnserver');

const credential = { username: 'alice', credential: 'wonderland' } as const;
/** GNS P2P_Transport_ICE_Enable: relay candidates alone. */
const RELAY_ONLY = 1;

const relays = new Map<string, RunningRelay>();
const folder = mkdtempSync(join(tmpdir(), 'partyline-'));

beforeAll(async () => {
  if (nativeBinary === undefined) return;
  relays.set('our relay', await startOurs());
  if (hasCoturn) relays.set('coturn', await startCoturn());
});

afterAll(async () => {
  for (const relay of relays.values()) await relay.stop();
  rmSync(folder, { recursive: true });
});

const through = hasCoturn ? (['our relay', 'coturn'] as const) : (['our relay'] as const);
/** Not the native side alone: without other candidates it still sends checks to ours from its host sockets. */
const whoRelays = ['ours', 'both'] as const;
const cases = through.flatMap((server) =>
  whoRelays.flatMap((relaying) => p2pSeats.map((seat) => ({ server, relaying, seat }))),
);

describe.skipIf(nativeBinary === undefined)('relayed', () => {
  test.each(cases)(
    'through $server: $relaying relayed, $seat',
    async ({ server, relaying, seat }) => {
      const port = relays.get(server)?.port ?? 0;
      const servers = [{ urls: `turn:${ownAddress()}:${port}`, ...credential }];
      await using pair = await P2pPair.open({
        ours: { icePolicy: 'relay', ice: { servers } },
        prepare: async (native) => {
          if (relaying !== 'both') return;
          await native.config({ P2pTransportIceEnable: RELAY_ONLY });
          await native.configText({
            TurnServerList: `${ownAddress()}:${port}`,
            TurnUserList: credential.username,
            TurnPassList: credential.credential,
          });
        },
      });
      const { ours, conn } = await pair.connect(seat, 1);
      expect(ours.route?.type).toBe('relay');
      expect(await pair.echo(ours, conn, 'by relay')).toBe('by relay');
      pair.native.tell('route', { conn });
      expect(await pair.native.next('route', { conn })).toMatchObject({ type: 'relay' });
    },
  );
});

function startOurs(): Promise<RunningRelay> {
  const host = ownAddress();
  return runRelay([
    ...['--listen', `${host}:0`, '--relay-address', host, '--allow-peer', `${host}/32`],
    ...['--user', `${credential.username}:${credential.credential}`],
    ...['--port-range', '23000-23999'],
  ]);
}

async function startCoturn(): Promise<RunningRelay> {
  const host = ownAddress();
  const port = await freePort(host);
  const where = [
    '-L',
    host,
    '-E',
    host,
    '-p',
    `${port}`,
    '--min-port',
    '43000',
    '--max-port',
    '43999',
  ];
  const who = [
    '--lt-cred-mech',
    '-r',
    'coturn',
    '-u',
    `${credential.username}:${credential.credential}`,
  ];
  const quiet = ['-n', '--no-cli', '--no-tls', '--no-dtls', '-l', '/dev/null'];
  const pid = ['--pidfile', join(folder, 'coturn.pid')];
  const child = spawn('turnserver', [...where, ...who, ...quiet, ...pid], {
    stdio: 'ignore',
    cwd: folder,
  });
  const ended = once(child, 'exit');
  const isUp = await Promise.race([answers(host, port), ended.then(() => false)]);
  if (!isUp) throw new Error('turnserver does not start');
  return {
    port,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Binding requests until one is answered. */
async function answers(host: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const request = Buffer.from('000100002112a442000000000000000000000000', 'hex');
  const answered = once(socket, 'message').then(() => true);
  const timer = setInterval(() => socket.send(request, port, host), 50);
  socket.on('error', () => {}); // refused until it is up
  try {
    return await answered;
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

async function freePort(host: string): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
