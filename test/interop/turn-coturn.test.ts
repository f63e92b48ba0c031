import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartylineServer } from '@partyline/server';
import { channelPayload } from 'partyline/protocol/turn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlClient, testServer } from '../scenario/control-client.ts';
import { bind, type Credential, channelData, TurnProbe } from '../scenario/turn-probe.ts';

/** coturn in our relay's place, by configuration alone: docs/relay.md, «coturn instead». */
const missing = isInstalled('turnserver') ? '' : 'turnserver';
if (missing && process.env.CI) throw new Error('CI needs turnserver (coturn)');
if (missing) console.warn('skipped: apt-get install coturn for turnserver');

const secret = 'what coturn and the server both know';
const folder = mkdtempSync(join(tmpdir(), 'coturn-'));
let coturn: ChildProcess | undefined;
let server: PartylineServer & AsyncDisposable;
let port = 0;

describe.skipIf(missing !== '')('coturn stands in for our relay', () => {
  beforeAll(async () => {
    port = await freePort();
    coturn = startCoturn(port);
    await answering(port);
    const urls = ['udp', 'tcp'].map((carrier) => `turn:127.0.0.1:${port}?transport=${carrier}`);
    server = await testServer({ turn: { urls, secret } });
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    if (coturn && coturn.exitCode === null) {
      const gone = once(coturn, 'exit');
      coturn.kill('SIGKILL');
      await gone;
    }
    rmSync(folder, { recursive: true });
  });

  test('two players get its addresses from us, and it takes the credentials that we sign', async () => {
    const alice = await ControlClient.open(server.url);
    const bob = await ControlClient.open(server.url);
    await alice.login();
    await bob.login();
    const ofAlice: Credential = await alice.call('session.iceServers', {});
    expect(ofAlice.urls).toEqual([
      `turn:127.0.0.1:${port}?transport=udp`,
      `turn:127.0.0.1:${port}?transport=tcp`,
    ]);
    expect(server.relayHosts).toEqual([]);
    using a = await TurnProbe.open(ofAlice, 'udp');
    using b = await TurnProbe.open(await bob.call('session.iceServers', {}), 'tcp');
    const toA = await a.allocate();
    const toB = await b.allocate();
    if (typeof toA === 'number' || typeof toB === 'number') throw new Error(`${toA} ${toB}`);
    expect([await bind(a, toB), await bind(b, toA)]).toEqual([0, 0]);
    const hello = new TextEncoder().encode('through coturn');
    a.send(channelData(hello));
    expect(channelPayload(await b.next())).toEqual(hello);
    b.send(channelData(hello));
    expect(channelPayload(await a.next())).toEqual(hello);
  });

  test('it refuses what we did not sign, and what has expired', async () => {
    const alice = await ControlClient.open(server.url);
    await alice.login();
    const given: Credential = await alice.call('session.iceServers', {});
    const expired = given.username.replace(/^\d+/, '1000');
    for (const wrong of [{ username: expired }, { credential: 'guess' }]) {
      using probe = await TurnProbe.open({ ...given, ...wrong }, 'udp');
      expect(await probe.allocate()).toBe(401);
    }
  });

  test('our own WebSocket carrier and relay are off', async () => {
    const given: Credential = { urls: [], username: '', credential: '', ttlSec: 0 };
    await expect(TurnProbe.openWebSocket(given, server.url)).rejects.toThrow('404');
    expect(server.stats().turn).toBeUndefined();
  });
});

/** As docs/relay.md has it; loopback, which it denies by itself, is opened for the test. */
function startCoturn(listeningPort: number): ChildProcess {
  const documented = ['--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=partyline'];
  documented.push('--no-rfc5780', '--no-stun-backward-compatibility');
  documented.push('--response-origin-only-with-rfc5780');
  const here = ['-n', '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', '--no-tls', '--no-dtls'];
  here.push(`--listening-port=${listeningPort}`, '--allow-loopback-peers', '--no-cli');
  here.push('--min-port=24000', '--max-port=24399', '--log-file=stdout');
  here.push(`--pidfile=${join(folder, 'pid')}`, `--userdb=${join(folder, 'db')}`);
  return spawn('turnserver', [...documented, ...here], { stdio: 'ignore' });
}

async function answering(at: number): Promise<void> {
  const credential = { urls: [], username: 'nobody', credential: '', ttlSec: 0 };
  for (;;) {
    if (coturn?.exitCode !== null) throw new Error('coturn ended at its start');
    try {
      using probe = await TurnProbe.openStream(credential, { host: '127.0.0.1', port: at }, false);
      expect(await probe.allocate()).toBe(401);
      return;
    } catch {
      await sleep(100);
    }
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
