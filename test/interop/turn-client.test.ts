import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeLegacyCrypto } from 'partyline/node';
import { restCredential } from 'partyline/protocol/turn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Coturn, HeardAllocation, startCoturn, startEcho } from './turn-client-rig.ts';
import { makeCertificate, type RunningRelay, startRelay } from './turn-relay.ts';

/** Our client through coturn's server, which judges what it says, and through our own relay. */
const hasCoturn = isInstalled('turnserver');
if (!hasCoturn && process.env.CI) throw new Error('CI needs turnserver');
if (!hasCoturn) console.warn('skipped: apt-get install coturn for turnserver');

const folder = mkdtempSync(join(tmpdir(), 'turn-client-'));
const cert = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');
const secret = 'secret of the test';
const longTerm = { username: 'alice', password: 'wonderland' };
let coturns: { longTerm: Coturn; rest: Coturn };
let relay: RunningRelay;

beforeAll(async () => {
  makeCertificate(cert, key);
  relay = await startRelay({ cert, key, secret });
  if (!hasCoturn) return;
  const tls = ['--cert', cert, '--pkey', key];
  const user = ['--lt-cred-mech', '-u', `${longTerm.username}:${longTerm.password}`];
  coturns = {
    longTerm: await startCoturn(folder, [...tls, ...user]),
    rest: await startCoturn(folder, [...tls, '--use-auth-secret', '--static-auth-secret', secret]),
  };
}, 30_000);

afterAll(async () => {
  await coturns?.longTerm[Symbol.asyncDispose]();
  await coturns?.rest[Symbol.asyncDispose]();
  await relay?.stop();
  rmSync(folder, { recursive: true });
});

const signed = (): { username: string; password: string } =>
  restCredential(nodeLegacyCrypto, secret, Date.now() / 1000 + 600, 'bob');
const tlsOf = (): { ca: string } => ({ ca: readFileSync(cert, 'utf8') });

type Transport = 'udp' | 'tcp' | 'tls';
const urlOf = (transport: Transport, port: number, host = '127.0.0.1'): string =>
  transport === 'tls' ? `turns:${host}:${port}` : `turn:${host}:${port}?transport=${transport}`;

const transports: Transport[] = ['udp', 'tcp', 'tls'];
const servers = [
  ...(hasCoturn ? (['coturn, long-term', 'coturn, REST'] as const) : []),
  ...(['ours, long-term', 'ours, REST'] as const),
];
const table = servers.flatMap((server) => transports.map((transport) => ({ server, transport })));

function placeOf(server: (typeof servers)[number], transport: Transport) {
  const coturn = server.endsWith('REST') ? coturns?.rest : coturns?.longTerm;
  const port = server.startsWith('ours')
    ? relay.port
    : transport === 'tls'
      ? coturn.tlsPort
      : coturn.port;
  const credential = server.endsWith('REST') ? signed() : longTerm;
  return { url: urlOf(transport, port), credential, tls: tlsOf() };
}

describe.each(table)('$server over $transport', ({ server, transport }) => {
  test('200 datagrams of every size go to a peer and come back', async () => {
    using echo = await startEcho('127.0.0.1');
    await using client = await HeardAllocation.open(placeOf(server, transport));
    for (let i = 0; i < 200; i++) {
      const sent = String.fromCharCode(65 + (i % 26)).repeat((i * 7) % 1400);
      expect(client.allocation.send('127.0.0.1', echo.port, Buffer.from(sent))).toBe(true);
      expect(await client.next()).toEqual({ text: sent, from: `127.0.0.1 ${echo.port}` });
    }
    expect(client.allocation.stats()).toMatchObject({ droppedDatagrams: 0, strayDatagrams: 0 });
  });

  test('from relay to relay', async () => {
    await using a = await HeardAllocation.open(placeOf(server, transport));
    await using b = await HeardAllocation.open(placeOf(server, transport));
    const [toA] = a.allocation.relayed;
    const [toB] = b.allocation.relayed;
    if (!toA || !toB) throw new Error('no address');
    // Each lets the other in; what comes before that is lost, as anywhere in ICE.
    b.allocation.permit(toA.host);
    let heard = 0;
    const resend = setInterval(
      () => a.allocation.send(toB.host, toB.port, Buffer.from('ping')),
      20,
    );
    try {
      for (; heard < 3; heard++) {
        expect(await b.next()).toEqual({ text: 'ping', from: `${toA.host} ${toA.port}` });
        b.allocation.send(toA.host, toA.port, Buffer.from('pong'));
        expect(await a.next()).toEqual({ text: 'pong', from: `${toB.host} ${toB.port}` });
      }
    } finally {
      clearInterval(resend);
    }
  });

  test('a wrong password', async () => {
    const credential = { username: 'alice', password: 'guess' };
    const opening = HeardAllocation.open({ ...placeOf(server, transport), credential });
    await expect(opening).rejects.toMatchObject({ code: 'TURN_UNAUTHORIZED' });
  });
});

describe.each(servers)('%s', (server) => {
  test('both families in one allocation; peers of either answer', async () => {
    await using client = await HeardAllocation.open({
      ...placeOf(server, 'udp'),
      families: 'both',
    });
    expect(client.allocation.relayed.map(({ host }) => host).sort()).toEqual(['127.0.0.1', '::1']);
    for (const host of ['127.0.0.1', '::1']) {
      using echo = await startEcho(host);
      for (let i = 0; i < 5; i++) {
        client.allocation.send(host, echo.port, Buffer.from(`to ${host} ${i}`));
        expect(await client.next()).toEqual({
          text: `to ${host} ${i}`,
          from: `${host} ${echo.port}`,
        });
      }
    }
  });

  test('IPv6, from the client to the peer', async () => {
    using echo = await startEcho('::1');
    const place = placeOf(server, 'udp');
    await using client = await HeardAllocation.open({
      ...place,
      url: place.url.replace('127.0.0.1', '[::1]'),
      families: 'ipv6',
    });
    expect(client.allocation.mapped?.host).toBe('::1');
    client.allocation.send('::1', echo.port, Buffer.from('six'));
    expect(await client.next()).toEqual({ text: 'six', from: `::1 ${echo.port}` });
  });

  test('an allocation that was closed is gone: its address is heard no more', async () => {
    await using observer = await HeardAllocation.open(placeOf(server, 'udp'));
    const closing = await HeardAllocation.open(placeOf(server, 'tcp'));
    await closing.allocation.close();
    expect(closing.allocation.isOpen).toBe(false);
    expect(closing.allocation.send('127.0.0.1', 9, Buffer.from('x'))).toBe(false);
    expect(observer.allocation.isOpen).toBe(true);
  });
});

test.skipIf(!hasCoturn)('coturn’s redirect (300) is followed to our relay', async () => {
  const flags = ['--lt-cred-mech', '-u', 'alice:wonderland'];
  const to = ['--alternate-server', `127.0.0.1:${relay.port}`];
  await using coturn = await startCoturn(folder, [...flags, ...to]);
  using echo = await startEcho('127.0.0.1');
  const url = urlOf('udp', coturn.port);
  await using client = await HeardAllocation.open({ url, credential: longTerm });
  expect(client.allocation.server).toEqual({ host: '127.0.0.1', port: relay.port });
  client.allocation.send('127.0.0.1', echo.port, Buffer.from('around'));
  expect((await client.next()).text).toBe('around');
});

test('nobody listens: it says so at once', async () => {
  for (const url of ['turn:127.0.0.1:9', 'turn:127.0.0.1:9?transport=tcp', 'turns:127.0.0.1:9']) {
    const opening = HeardAllocation.open({ url, credential: longTerm });
    await expect(opening).rejects.toMatchObject({ code: 'TURN_UNREACHABLE' });
  }
});

test('a certificate that nobody vouches for is refused', async () => {
  const { url, credential } = placeOf('ours, long-term', 'tls');
  const opening = HeardAllocation.open({ url, credential });
  await expect(opening).rejects.toMatchObject({ code: 'TURN_UNREACHABLE' });
});

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
