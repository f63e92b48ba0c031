import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@partyline/server';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../packages/server/src/base/index.ts';
import { TrivialListener } from '../../packages/server/src/rendezvous/index.ts';
import { GnsTool } from './gns-cli-rig.ts';

/** `partyline gns p2p` as processes, on loopback. */
const usual = ['--json', '--host', '127.0.0.1'];
const profile = ['--profile', 'test_p2p', '--ticks', '8'];
/** A loaded machine is slow, and no judge of time-outs. */
const patient = ['--timeout-ms', '60000'];

function peer(...args: string[]): GnsTool {
  return new GnsTool(['p2p', ...usual, ...patient, ...args]);
}

async function signalingServer(): Promise<TrivialListener & { readonly url: string }> {
  const listener = await TrivialListener.open('127.0.0.1', 0, { clock: systemClock });
  return Object.assign(listener, { url: `tcp://127.0.0.1:${listener.port}` });
}

describe('the traffic of test_p2p', () => {
  test('between a client and a server, twice, with signals lost and doubled', async () => {
    await using server = await signalingServer();
    const bad = ['--signaling', server.url, '--signaling-loss', '30', '--signaling-dup', '50'];
    const many = [...profile, '--repeat', '2'];
    await using b = peer('--role', 'server', '--identity', 'b', ...bad, ...many);
    await b.line('ready');
    await using a = peer('--role', 'client', '--identity', 'a', '--remote', 'b', ...bad, ...many);
    expect(await a.line('result')).toMatchObject({ ok: true, connections: 2 });
    expect(await b.line('result')).toMatchObject({ ok: true, connections: 2 });
    expect(await a.line('route')).toMatchObject({ type: 'local' });
    expect([await a.exited, await b.exited]).toEqual([0, 0]);
  });

  test('between two that call each other', async () => {
    await using server = await signalingServer();
    const both = ['--role', 'symmetric', '--signaling', server.url, ...profile];
    await using a = peer('--identity', 'a', '--remote', 'b', ...both);
    await using b = peer('--identity', 'b', '--remote', 'a', ...both);
    expect([await a.exited, await b.exited]).toEqual([0, 0]);
  });

  test('through a lobby of our server', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'partyline-'));
    const listen = '127.0.0.1:0';
    await using server = await startServer({
      listen,
      dataDir,
      apps: { game: {} },
      logLevel: 'silent',
    });
    const url = `${server.url.replace('http', 'ws')}/?app=game`;
    await using b = peer('--role', 'server', '--signaling', url, ...profile);
    const { code } = await b.line('lobby');
    await using a = peer('--role', 'client', '--signaling', `${url}&code=${code}`, ...profile);
    expect([await a.exited, await b.exited]).toEqual([0, 0]);
    rmSync(dataDir, { recursive: true });
  });
});

test('what goes in at one end comes out at the other', async () => {
  await using server = await signalingServer();
  const where = ['p2p', ...usual, ...patient, '--signaling', server.url];
  await using b = new GnsTool([...where, '--role', 'server', '--identity', 'b']);
  await b.line('ready');
  const call = ['--role', 'client', '--identity', 'a', '--remote', 'b'];
  await using a = new GnsTool([...where, ...call], 'hello, other end\n');
  expect([await a.exited, await b.exited]).toEqual([0, 0]);
  expect(b.lines.join('\n')).toContain('hello, other end');
});

test('--trace shows signals, checks and what the packets say, at either end', async () => {
  await using server = await signalingServer();
  const dir = mkdtempSync(join(tmpdir(), 'partyline-'));
  const where = ['p2p', ...usual, ...patient, '--signaling', server.url, '--trace', dir];
  await using b = new GnsTool([...where, '--role', 'server', '--identity', 'b']);
  await b.line('ready');
  const call = ['--role', 'client', '--identity', 'a', '--remote', 'b'];
  await using a = new GnsTool([...where, ...call], 'hello, other end\n');
  expect([await a.exited, await b.exited]).toEqual([0, 0]);
  for (const role of ['client', 'server']) {
    const text = readFileSync(join(dir, `${role}.txt`), 'utf8');
    expect(text).toMatch(/signal .*from str:a .*ConnectRequest to virtual port 0/);
    expect(text).toMatch(/signal .*from str:b .*ConnectOk/);
    expect(text).toMatch(/STUN binding request for ".+:.+" nominating/);
    expect(text).toContain(Buffer.from('hello, other end').toString('hex'));
    // One record each: the file's magic number, and IPv4's first byte after the record's head.
    const pcap = readFileSync(join(dir, `${role}.pcap`));
    expect([pcap.readUInt32LE(0), pcap[40]]).toEqual([0xa1b2c3d4, 0x45]);
  }
  rmSync(dir, { recursive: true });
});

test('nobody there: 1, and 0 where that was expected', async () => {
  await using server = await signalingServer();
  const call = ['p2p', ...usual, '--role', 'client', '--identity', 'a', '--remote', 'nobody'];
  const args = [...call, '--signaling', server.url, '--timeout-ms', '500', ...profile];
  await using a = new GnsTool(args);
  expect(await a.line('failed')).toMatchObject({ endReason: 5003 });
  await using b = new GnsTool([...args, '--expect-failure']);
  expect([await a.exited, await b.exited]).toEqual([1, 0]);
});
