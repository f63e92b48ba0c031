import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import type { PartylineServer } from '@partyline/server';
import { channelPayload } from 'partyline/protocol/turn';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumFlags, chromiumHere, firefoxHere, launchFirefox } from '../browser/browsers.ts';
import { ControlClient, testServer } from '../scenario/control-client.ts';
import { bind, type Credential, channelData, TurnProbe } from '../scenario/turn-probe.ts';
import { certutilMissing, makeAuthority, makeProfile } from './turn-authority.ts';
import { talkThroughRelay } from './turn-page.ts';
import { makeCertificate } from './turn-relay.ts';

/**
 * One TLS port for everything: HTTPS, WebSockets, TURN over TLS, and TURN over a WebSocket.
 */
const folder = mkdtempSync(join(tmpdir(), 'tls-'));
const authority = makeAuthority(folder);
const { cert, key } = authority;
const hello = new TextEncoder().encode('hello');
let server: PartylineServer & AsyncDisposable;

beforeAll(async () => {
  server = await testServer({ listen: '127.0.0.1:0', tlsCert: cert, tlsKey: key });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function credential(): Promise<Credential> {
  const client = await ControlClient.open(server.url, {}, { rejectUnauthorized: false });
  await client.login();
  return client.call('session.iceServers', {});
}

/** Both bind a channel to each other, and a word goes there and back. */
async function talk(a: TurnProbe, b: TurnProbe): Promise<void> {
  const toA = await a.allocate();
  const toB = await b.allocate();
  if (typeof toA === 'number' || typeof toB === 'number') throw new Error(`${toA} ${toB}`);
  expect([await bind(a, toB), await bind(b, toA)]).toEqual([0, 0]);
  await echo(a, b);
  await echo(b, a);
}

async function echo(from: TurnProbe, to: TurnProbe): Promise<void> {
  from.send(channelData(hello));
  expect(channelPayload(await to.next())).toEqual(hello);
}

function fingerprint(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', { rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function statusOf(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const url = `https://127.0.0.1:${server.port}${path}`;
    const asked = request(url, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject).end();
  });
}

test('HTTPS, TURN over TLS, TURN over TCP and TURN over a WebSocket share one port', async () => {
  expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
  expect(await statusOf('/healthz')).toBe(200);
  const given = await credential();
  expect(given.urls).toEqual([
    `turn:127.0.0.1:${server.stunPort}?transport=udp`,
    `turns:127.0.0.1:${server.port}?transport=tcp`,
  ]);
  const where = { host: '127.0.0.1', port: server.port };
  using tls = await TurnProbe.open(given, 'tls');
  using ws = await TurnProbe.openWebSocket(await credential(), server.url);
  using tcp = await TurnProbe.openStream(await credential(), where, false);
  using udp = await TurnProbe.open(await credential(), 'udp');
  await talk(tls, ws);
  await talk(tcp, udp);
  expect(server.stats().turn).toMatchObject({ allocations: 4, streams: 3 });
});

test('a client may name its protocol, and who names another is refused', async () => {
  const protocolOf = (offered: string): Promise<string | false | null> =>
    new Promise((resolve) => {
      const options = { rejectUnauthorized: false, ALPNProtocols: [offered] };
      const socket = connect(server.port, '127.0.0.1', options, () => {
        resolve(socket.alpnProtocol);
        socket.destroy();
      });
      socket.on('error', () => resolve(null));
    });
  expect(await protocolOf('stun.turn')).toBe('stun.turn');
  expect(await protocolOf('http/1.1')).toBe('http/1.1');
  expect(await protocolOf('h2')).toBe(null);
});

test('a new certificate is for new connections: streams go on, and a bad one changes nothing', async () => {
  using a = await TurnProbe.open(await credential(), 'tls');
  using b = await TurnProbe.openWebSocket(await credential(), server.url);
  await talk(a, b);
  const before = await fingerprint();
  const [good, goodKey] = [readFileSync(cert), readFileSync(key)];
  writeFileSync(cert, 'half a certificate');
  expect(() => server.reloadTls()).toThrow('The certificate cannot be used');
  expect(await fingerprint()).toBe(before);
  writeFileSync(cert, good);
  makeCertificate(cert, key);
  expect(server.reloadTls()).toBe(true);
  expect(await fingerprint()).not.toBe(before);
  await echo(a, b);
  await echo(b, a);
  expect(await statusOf('/healthz')).toBe(200);
  writeFileSync(cert, good);
  writeFileSync(key, goodKey);
  server.reloadTls();
});

/** A Node program of its own, because authorities are read when Node starts. Prints the lobby's code, or the error's. */
async function createLobby(url: string, env: NodeJS.ProcessEnv): Promise<string> {
  const program = `
    import { connect } from 'partyline/node';
    try {
      const session = await connect({ server: '${url}', app: 'arena' });
      const lobby = await session.lobbies.create();
      console.log('lobby ' + lobby.code.length);
      await session.close();
    } catch (error) {
      console.log(error.code + ' ' + error.message);
    }`;
  const args = ['--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, ...env },
  });
  return stdout;
}

test('a Node client logs in over TLS by name and by address, and only where it knows the authority', async () => {
  const trusting = { NODE_EXTRA_CA_CERTS: authority.ca };
  const byName = `https://localhost:${server.port}`;
  expect(await createLobby(server.url, trusting)).toMatch(/^lobby \d/);
  expect(await createLobby(byName, trusting)).toMatch(/^lobby \d/);
  expect(await createLobby(server.url, {})).toMatch(/certificate/);
});

test('a WebSocket that sends text does not stay', async () => {
  using probe = await TurnProbe.openWebSocket(await credential(), server.url);
  probe.sendText('hello');
  await expect(probe.next()).rejects.toThrow('the connection was closed');
});

test('connections in the middle of a handshake do not hold up the end of the server', async () => {
  const brief = await testServer({ listen: '127.0.0.1:0', tlsCert: cert, tlsKey: key });
  const silent = connectTcp(brief.port, '127.0.0.1');
  silent.write(Uint8Array.of(0x16, 3, 1, 2, 0)); // the head of a ClientHello that never comes
  const ended = new Promise((resolve) => silent.once('close', resolve));
  silent.on('error', () => {}); // close follows
  await new Promise((resolve) => silent.once('connect', resolve));
  const startedAt = performance.now();
  await brief[Symbol.asyncDispose]();
  await ended;
  expect(performance.now() - startedAt).toBeLessThan(5000);
});

describe.skipIf(chromiumHere.missing !== '')('Chromium, relay only', () => {
  test('by TLS on the API’s port', async () => {
    const given = await credential();
    const browser = await chromium.launch({
      executablePath: chromiumHere.path,
      args: [...chromiumFlags, '--ignore-certificate-errors'],
    });
    try {
      const page = await browser.newPage();
      const urls = given.urls.filter((url) => url.startsWith('turns:'));
      const outcome = await page.evaluate(talkThroughRelay, { ...given, urls });
      expect(outcome).toEqual({ received: 200, types: ['relay', 'relay'], protocols: ['tls'] });
    } finally {
      await browser.close();
    }
  }, 60_000);
});

describe.skipIf(firefoxHere.missing !== '')('Firefox, relay only', () => {
  async function talk(urls: string[], profile?: string): Promise<void> {
    const given = await credential();
    const browser = await launchFirefox(profile);
    try {
      const page = await browser.newPage();
      const outcome = await page.evaluate(talkThroughRelay, { ...given, urls });
      expect(outcome).toMatchObject({ received: 200, types: ['relay', 'relay'] });
    } finally {
      await browser.close();
    }
  }

  test(
    'by TCP on the API’s port',
    () => talk([`turn:127.0.0.1:${server.port}?transport=tcp`]),
    60_000,
  );

  // Over TLS it takes only certificates of authorities that it knows, whatever its settings for pages.
  test.skipIf(certutilMissing !== '')(
    'by TLS on the API’s port',
    () => talk([`turns:localhost:${server.port}?transport=tcp`], makeProfile(folder, authority.ca)),
    60_000,
  );
});
