import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { encodeStun, StunClass } from 'partyline/protocol/stun';
import {
  channelPayload,
  requestedTransport,
  TRANSPORT_UDP,
  TurnMethod,
} from 'partyline/protocol/turn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlClient } from '../scenario/control-client.ts';
import { bind, type Credential, channelData, codeOf, TurnProbe } from '../scenario/turn-probe.ts';
import { credentialOf, relayProcess, TurnCommand } from './turn-command.ts';
import { makeCertificate } from './turn-relay.ts';

/** What an operator does while people play. */
const folder = mkdtempSync(join(tmpdir(), 'operations-'));
const cert = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');

beforeAll(() => makeCertificate(cert, key));
afterAll(() => rmSync(folder, { recursive: true }));

async function pair(
  one: Credential,
  two: Credential,
  carrier: 'udp' | 'tcp' | 'tls' = 'udp',
): Promise<readonly [TurnProbe, TurnProbe]> {
  const a = await TurnProbe.open(one, 'udp');
  const b = await TurnProbe.open(two, carrier);
  const toA = await a.allocate();
  const toB = await b.allocate();
  if (typeof toA === 'number' || typeof toB === 'number') throw new Error(`${toA} ${toB}`);
  expect([await bind(a, toB), await bind(b, toA)]).toEqual([0, 0]);
  return [a, b];
}

async function stream(from: TurnProbe, to: TurnProbe, packets: number): Promise<void> {
  for (let n = 0; n < packets; n++) {
    const payload = new TextEncoder().encode(`packet ${n}`);
    from.send(channelData(payload));
    expect(channelPayload(await to.next())).toEqual(payload);
  }
}

function fingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', { rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Free for a moment: nothing says which one the operator's HTTP was given. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

const tls = ['--tls-cert', cert, '--tls-key', key];

test.each([1, 2])(
  'relay, %i workers: SIGHUP reads the certificate again, streams go on',
  async (n) => {
    await using relay = relayProcess(...tls, '--workers', String(n));
    const [, text = ''] = await relay.line(/^listening ([\d ]+)$/);
    const ports = text.split(' ').map(Number);
    const [first = 0, last = 0] = [ports[0], ports.at(-1)];
    const [a, b] = await pair(credentialOf('alice', first), credentialOf('bob', last), 'tls');
    await stream(a, b, 20);
    const before = await fingerprint(last);
    makeCertificate(cert, key);
    relay.kill('SIGHUP');
    await relay.line(/certificate read again/);
    await expect.poll(() => fingerprint(last)).not.toBe(before);
    await stream(a, b, 50);
    await stream(b, a, 50);
    for (const probe of [a, b]) probe[Symbol.dispose]();
  },
);

test('serve: SIGHUP reads the certificate again, and a bad one changes nothing', async () => {
  const data = ['--app', 'arena', '--data-dir', join(folder, 'tls'), '--log-format', 'json'];
  await using server = new TurnCommand(['serve', ...data, '--listen', '127.0.0.1:0', ...tls]);
  const [, text = ''] = await server.line(/"url":"https:[^"]+:(\d+)"/);
  const port = Number(text);
  const before = await fingerprint(port);
  writeFileSync(cert, 'half a certificate');
  server.kill('SIGHUP');
  await server.line(/the certificate stays as it was/);
  expect(await fingerprint(port)).toBe(before);
  makeCertificate(cert, key);
  server.kill('SIGHUP');
  await server.line(/certificate read again/);
  await expect.poll(() => fingerprint(port)).not.toBe(before);
});

test('the start says what gives allocations, and what cannot be known', async () => {
  await using relay = relayProcess(...tls);
  await relay.line(
    /Self-test 127\.0\.0\.1:\d+ gives allocations by UDP, TCP, TLS, asked from here/,
  );
  await relay.line(/firewalls .* cannot be seen from here/);
});

test('behind a NAT: the public address is what players get, and the start says that it does not hairpin', async () => {
  const where = ['--listen', '127.0.0.1:0', '--relay-address', '192.0.2.7=127.0.0.1'];
  await using relay = new TurnCommand(['relay', ...where, '--user', 'alice:wonderland']);
  const [, port = ''] = await relay.line(/^listening (\d+)$/);
  const mine = credentialOf('alice', Number(port));
  using a = await TurnProbe.open(mine, 'udp');
  using b = await TurnProbe.open(mine, 'udp');
  const toA = await a.allocate();
  const toB = await b.allocate();
  if (typeof toA === 'number' || typeof toB === 'number') throw new Error(`${toA} ${toB}`);
  expect([toA.host, toB.host]).toEqual(['192.0.2.7', '192.0.2.7']);
  expect([await bind(a, toB), await bind(b, toA)]).toEqual([0, 0]);
  await stream(a, b, 20);
  await relay.line(/192\.0\.2\.7:\d+ does not answer by UDP from here/);
});

test('relay: metrics without names, usage with them, and a kick', async () => {
  const operator = `127.0.0.1:${await freePort()}`;
  await using relay = relayProcess('--operator', operator, '--workers', '2');
  const [, text = ''] = await relay.line(/^listening ([\d ]+)$/);
  const [first = 0, second = 0] = text.split(' ').map(Number);
  const [a, b] = await pair(credentialOf('alice', first), credentialOf('bob', second));
  await stream(a, b, 10);
  const usage = await (await fetch(`http://${operator}/turn/usage`)).json();
  expect(usage.players).toEqual([
    { player: 'alice', allocations: 1, relayedBytes: 80 },
    { player: 'bob', allocations: 1, relayedBytes: 80 },
  ]);
  const metrics = async (): Promise<string> => (await fetch(`http://${operator}/metrics`)).text();
  await expect.poll(metrics, { timeout: 5000 }).toContain('\npartyline_turn_allocations 2\n');
  expect(await metrics()).not.toMatch(/alice|bob/);
  await fetch(`http://${operator}/players/alice`, { method: 'DELETE' });
  const refresh = async (): Promise<number> => codeOf(await a.ask(TurnMethod.Refresh, () => []));
  await expect.poll(refresh, { timeout: 5000 }).toBe(437);
  expect(codeOf(await b.ask(TurnMethod.Refresh, () => []))).toBe(0);
  for (const probe of [a, b]) probe[Symbol.dispose]();
});

describe('in serve, what ends a session ends its stream within 5 s', () => {
  const operator = freePort().then((port) => `127.0.0.1:${port}`);
  let server: TurnCommand;
  let url = '';

  beforeAll(async () => {
    const turn = JSON.stringify({ ports: { min: 23_000, max: 23_399 } });
    const apart = ['--app', 'arena', '--data-dir', join(folder, 'data'), '--log-format', 'json'];
    const options = [...apart, '--listen', '127.0.0.1:0', '--seat-hold-ms', '1000', '--turn', turn];
    server = new TurnCommand(['serve', ...options, '--operator', await operator]);
    const [, said = ''] = await server.line(/"url":"(http:[^"]+)"/);
    url = said.replace('localhost', '127.0.0.1');
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test.each<[string, number, (client: ControlClient, player: string) => unknown]>([
    ['a logout', 401, (client) => client.call('session.logout', {})],
    [
      'an operator’s kick',
      401,
      async (_, player) => {
        await fetch(`http://${await operator}/players/arena:${player}`, { method: 'DELETE' });
      },
    ],
    ['a lost socket that is not resumed', 401, (client) => client.ws.terminate()],
  ])('%s', async (_, code, end) => {
    const [alice, bob] = [await ControlClient.open(url), await ControlClient.open(url)];
    const { player } = await alice.login();
    await bob.login();
    const given: Credential = await alice.call('session.iceServers', {});
    const [a, b] = await pair(given, await bob.call('session.iceServers', {}), 'tcp');
    await stream(a, b, 5);
    await end(alice, player);
    const endedAt = performance.now();
    const refresh = async (): Promise<number> => codeOf(await a.ask(TurnMethod.Refresh, () => []));
    await expect.poll(refresh, { timeout: 10_000 }).toBe(code);
    expect(performance.now() - endedAt).toBeLessThan(5000);
    // Nothing of it opens anything more; and the other player has all that he had.
    using again = await TurnProbe.open(given, 'udp');
    expect(await again.allocate()).toBe(401);
    expect(codeOf(await b.ask(TurnMethod.Refresh, () => []))).toBe(0);
    for (const probe of [a, b]) probe[Symbol.dispose]();
    bob.ws.terminate();
  });

  test('an ended session that is resumed by a stolen token takes the relay with it', async () => {
    const alice = await ControlClient.open(url);
    const opened = await alice.login();
    const given: Credential = await alice.call('session.iceServers', {});
    using probe = await TurnProbe.open(given, 'udp');
    expect(await probe.allocate()).toMatchObject({ host: '127.0.0.1' });
    const next = await ControlClient.open(url);
    const resume = await next.resumeParams('arena', opened.keys, opened.resumeToken);
    await next.call('session.resume', resume);
    // Its socket was heard: the token that a third one brings is an old one.
    await next.call('session.ping', {});
    const thief = await ControlClient.open(url);
    const stolen = await thief.resumeParams('arena', opened.keys, opened.resumeToken);
    expect(await thief.refused('session.resume', stolen)).toBe('SESSION_EXPIRED');
    const refresh = async (): Promise<number> =>
      codeOf(await probe.ask(TurnMethod.Refresh, () => []));
    await expect.poll(refresh, { timeout: 5000 }).toBe(401);
    for (const client of [alice, next, thief]) client.ws.terminate();
  });
});

test('a flood from many addresses, and one by somebody who may allocate: others keep 95 of 100 packets', async () => {
  await using relay = relayProcess();
  const [, text = ''] = await relay.line(/^listening (\d+)$/);
  const port = Number(text);
  const [a, b] = await pair(credentialOf('alice', port), credentialOf('alice', port));
  const abuse = new AbortController();
  const abusers = Array.from({ length: 4 }, () => allocateAgain(port, abuse.signal));
  const strangers = await Promise.all(Array.from({ length: 64 }, (_, n) => stranger(n)));
  const flooding = flood(strangers, port, abuse.signal);
  // A machine that has other work loses packets of its own accord, but not in every round.
  const rounds = 4;
  const count = 300;
  let best = 0;
  for (let round = 0; round < rounds && best < 0.95 * count; round++) {
    best = Math.max(best, await delivered(a, b, count));
  }
  abuse.abort();
  const tries = await Promise.all(abusers);
  expect(await flooding).toBeGreaterThan(5000);
  expect(tries.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(abusers.length);
  expect(best).toBeGreaterThanOrEqual(0.95 * count);
  for (const socket of strangers) socket.close();
  for (const probe of [a, b]) probe[Symbol.dispose]();
}, 120_000);

/** How many of so many packets come, at about 300 a second. */
async function delivered(from: TurnProbe, to: TurnProbe, count: number): Promise<number> {
  to.frames.length = 0;
  for (let sent = 0; sent < count; sent++) {
    from.send(channelData(new Uint8Array(100)));
    if (sent % 5 === 0) await sleep(15);
  }
  for (let before = -1; before < to.frames.length; await sleep(300)) before = to.frames.length;
  return to.frames.length;
}

/** All of 127/8 is this machine: each socket is somebody else. */
async function stranger(n: number): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, `127.0.${1 + (n >> 6)}.${1 + (n & 63)}`);
  await once(socket, 'listening');
  return socket;
}

async function flood(
  sockets: readonly Socket[],
  port: number,
  signal: AbortSignal,
): Promise<number> {
  const request = encodeStun({
    class: StunClass.Request,
    method: TurnMethod.Allocate,
    transactionId: new Uint8Array(12),
    attributes: [requestedTransport(TRANSPORT_UDP)],
  });
  let sent = 0;
  while (!signal.aborted) {
    for (let i = 0; i < 64; i++) sockets[sent++ % sockets.length]?.send(request, port, '127.0.0.1');
    await sleep(5);
  }
  return sent;
}

/** Bob allocates for all he may, and on, until it is over. Gives how often he tried. */
async function allocateAgain(port: number, signal: AbortSignal): Promise<number> {
  let tries = 0;
  for (; !signal.aborted; tries++) {
    const probe = await TurnProbe.open(credentialOf('bob', port), 'udp');
    // Over the rate of challenges there is no answer at all.
    await Promise.race([probe.allocate(), sleep(200)]);
    probe[Symbol.dispose]();
  }
  return tries;
}
