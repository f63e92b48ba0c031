import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from 'partyline/node';
import { issueCert } from 'partyline/protocol/cert';
import { describe, expect, test } from 'vitest';
import { GnsTool, type Line, listening } from './gns-cli-rig.ts';
import { NativePeer, NativeState, nativeBinary } from './gns-native.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'partyline-gns-'));

/** Two processes, each with its arguments: exit code and result line of both. */
async function both(
  listen: string[],
  connect: string[],
): Promise<{ codes: (number | string)[]; listener: Line; client: Line }> {
  await using server = listening(...listen);
  const to = await server.address();
  await using client = new GnsTool(['connect', to, '--json', ...connect]);
  const codes = await Promise.all([server.exited, client.exited]);
  return { codes, listener: await server.line('result'), client: await client.line('result') };
}

test('counted messages arrive, and both sides end with 0', async () => {
  const counted = ['--count', '500', '--size', '1000'];
  const ends = await both(
    [...counted, '--identity', 'alice'],
    [...counted, '--reliable', '--identity', 'bob', '--send-rate', '4000000'],
  );
  expect(ends.codes).toEqual([0, 0]);
  expect(ends.client).toMatchObject({ ok: true, peer: 'str:alice', verified: false, sent: 500 });
  expect(ends.listener).toMatchObject({ ok: true, peer: 'str:bob', received: 500, missing: 0 });
});

test('reliable messages on lanes arrive exactly once and in order through a bad network each way', async () => {
  const fakes = ['--fake-loss', '5', '--fake-lag', '10', '--fake-jitter', '3'];
  const swaps = ['--fake-reorder', '5', '--fake-dup', '5'];
  const counted = ['--count', '3000', '--size', '400', ...fakes, ...swaps];
  const lossy = await both(counted, [
    ...[...counted, '--reliable', '--lanes', '0:1,0:2,1:1', '--send-rate', '2000000'],
  ]);
  expect(lossy.codes).toEqual([0, 0]);
  expect(lossy.client).toMatchObject({ ok: true, sent: 3000 });
  expect(Number(lossy.client.packetsLost)).toBeGreaterThan(0);
  const exactlyOnce = { received: 3000, missing: 0, duplicates: 0, damaged: 0, misordered: 0 };
  expect(lossy.listener).toMatchObject({ ok: true, ...exactlyOnce });
});

test('unreliable messages that are lost end the listener with 1', async () => {
  const counted = ['--count', '400', '--size', '1100', '--send-rate', '4000000'];
  const lossy = await both([...counted, '--fake-loss', '20'], counted);
  expect(lossy.codes).toEqual([1, 0]);
  expect(lossy.listener).toMatchObject({ ok: false, duplicates: 0, damaged: 0 });
  expect(Number(lossy.listener.missing)).toBeGreaterThan(0);
});

test('an echo serves one after the other until Ctrl+C, which ends it with 0', async () => {
  await using server = listening('--echo');
  const to = await server.address();
  const counted = ['--count', '200', '--size', '3000', '--echo', '--json'];
  await using reliable = new GnsTool(['connect', to, ...counted, '--reliable', '--lanes', '2']);
  expect(await reliable.exited).toBe(0);
  expect(await reliable.line('result')).toMatchObject({ received: 200, missing: 0, misordered: 0 });
  await using piped = new GnsTool(['connect', to, '--echo'], 'hello\nagain\n');
  expect(await piped.exited).toBe(0);
  expect(piped.lines).toEqual(['hello', 'again']);
  server.interrupt();
  expect(await server.exited).toBe(0);
  expect(await server.line('ended')).toMatchObject({ connections: 2 });
});

test('without a count, input comes out at the other end, whole, and nothing else on stdout', async () => {
  await using server = new GnsTool(['listen', '127.0.0.1:0', '--json']);
  const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
  const to = await server.address();
  const rate = ['--send-rate', '8000000'];
  await using client = new GnsTool(['connect', to, ...rate], `${text.join('\n')}\n`);
  expect(await Promise.all([server.exited, client.exited])).toEqual([0, 0]);
  expect(server.lines).toEqual(text);
});

test('a peer of another name is refused by either side', async () => {
  await using server = listening('--identity', 'alice', '--peer', 'bob', '--count', '1');
  const to = await server.address();
  await using eve = new GnsTool(['connect', to, '--json', '--identity', 'eve', '--count', '1']);
  expect(await eve.exited).toBe(1);
  expect(await eve.line('result')).toMatchObject({ ok: false, endReason: 2001 });
  const bob = ['connect', to, '--json', '--identity', 'bob', '--count', '1'];
  await using stranger = new GnsTool([...bob, '--peer', 'mallory']);
  expect(await stranger.exited).toBe(1);
  expect(await stranger.line('result')).toMatchObject({ ok: false });
  expect(await server.exited).toBe(1); // the message it was promised never came
});

test('a certificate proves a name to who knows the CA, and only that one is let in', async () => {
  const dir = folder();
  const file = join(dir, 'bob.cert');
  await using maker = new GnsTool(['cert', 'bob', '--ca-key', join(dir, 'ca.key'), '--out', file]);
  expect(await maker.exited).toBe(0);
  await using server = listening('--ca', maker.lines[0] ?? '', '--count', '1');
  const to = await server.address();
  await using liar = new GnsTool(['connect', to, '--json', '--identity', 'bob', '--count', '1']);
  expect(await liar.exited).toBe(1);
  expect(await liar.line('result')).toMatchObject({ ok: false, endReason: 4003 });
  await using bob = new GnsTool(['connect', to, '--json', '--cert', file, '--count', '1']);
  expect(await Promise.all([server.exited, bob.exited])).toEqual([0, 0]);
  expect(await server.line('result')).toMatchObject({ ok: true, peer: 'str:bob', verified: true });
});

test('a trace has every datagram as pcap, and the payloads in clear', async () => {
  const dir = folder();
  const counted = ['--count', '3', '--size', '20'];
  const { codes } = await both([...counted, '--trace', dir], [...counted, '--reliable']);
  expect(codes).toEqual([0, 0]);
  const text = readFileSync(join(dir, 'listen.txt'), 'utf8');
  for (const word of ['ChallengeRequest', 'ConnectOk', 'reliable', 'ConnectionClosed']) {
    expect(text).toContain(word);
  }
  expect(text).toContain('0200000006070809'); // the third message, from its number on
  expect(text).not.toMatch(/unreadable|forged|cannot be opened/);
  const datagrams = text.split('\n').filter((line) => /[→←]/.test(line)).length;
  expect(pcapRecords(readFileSync(join(dir, 'listen.pcap')))).toBe(datagrams);
  expect(readFileSync(join(dir, 'listen.keys'), 'utf8')).toMatch(
    /^X25519 [0-9a-f]{64} [0-9a-f]{64}\n/,
  );
});

test.each([
  [['connect', 'nowhere'], 'is not HOST:PORT'],
  [['connect', '127.0.0.1:0'], 'Port 0 is for listen'],
  [['connect', '127.0.0.1:9', '--size', '3'], '--size takes a whole number from 4'],
  [['listen', '127.0.0.1:0', '--lanes', '9'], '--lanes takes a whole number from 1 to 8'],
  [['listen', '127.0.0.1:0', '--fake-loss', '100'], '--fake-loss takes 0 to 99'],
  [['listen', '127.0.0.1:0', '--cert', '/nowhere'], 'cannot be read'],
  [['fly', '127.0.0.1:0'], 'partyline gns listen HOST:PORT'],
])('%j ends with 2 and a sentence', async (args, sentence) => {
  await using tool = new GnsTool(args);
  expect(await tool.exited).toBe(2);
  expect(tool.errors.join('\n')).toContain(sentence);
});

describe.skipIf(nativeBinary === undefined)('against the native library', () => {
  test('it echoes 500 reliable messages, exactly once, through 5 % loss; its packets are traced', async () => {
    await using native = await NativePeer.start('str:native');
    await native.receive('echo');
    const to = `127.0.0.1:${await native.listen()}`;
    const dir = folder();
    const counted = ['--count', '500', '--size', '700', '--reliable', '--echo', '--fake-loss', '5'];
    await using tool = new GnsTool(['connect', to, '--json', ...counted, '--trace', dir]);
    expect(await tool.exited).toBe(0);
    const whole = { received: 500, missing: 0, duplicates: 0, damaged: 0, misordered: 0 };
    expect(await tool.line('result')).toMatchObject({ ok: true, peer: 'str:native', ...whole });
    const text = readFileSync(join(dir, 'connect.txt'), 'utf8');
    expect(text).toMatch(/← .* \| reliable/);
    expect(text).not.toMatch(/unreadable|forged|cannot be opened/);
  });

  test('a stock build refuses a certificate of a CA it does not know, so a listener that asks for one refuses it', async () => {
    const caSeed = nodeCrypto.randomBytes(32);
    await using server = listening('--ca', publicHex(caSeed), '--echo');
    const { port } = await server.line('listening');
    await using native = await NativePeer.start('str:bob');
    native.tell('certificate', { hex: Buffer.from(certBlob(caSeed, 'str:bob')).toString('hex') });
    expect((await native.next('error')).message).toMatch(/^Cert is for identity 'invalid'/);
    const conn = await native.dial(Number(port));
    const closed = await native.next('state', { conn, new: NativeState.ClosedByPeer });
    expect(closed.reason).toBe(4003);
    expect(server.lines).toHaveLength(1);
  });

  test('a stock build lets our certificate in and calls it unauthenticated', async () => {
    const file = join(folder(), 'bob.cert');
    writeFileSync(file, certBlob(nodeCrypto.randomBytes(32), 'str:bob'));
    await using native = await NativePeer.start('str:native');
    const to = `127.0.0.1:${await native.listen()}`;
    await using bob = new GnsTool(['connect', to, '--cert', file, '--count', '1', '--reliable']);
    const connected = await native.next('state', { new: NativeState.Connected });
    expect(connected.identity).toBe('str:bob');
    expect(Number(connected.flags) & UNAUTHENTICATED).toBe(UNAUTHENTICATED);
    expect(await bob.exited).toBe(0);
  });
});

/** `k_nSteamNetworkConnectionInfoFlags_Unauthenticated` */
const UNAUTHENTICATED = 1;

function publicHex(seed: Uint8Array): string {
  return Buffer.from(nodeCrypto.ed25519PublicKey(seed)).toString('hex');
}

/** What GNS's SetCertificate takes: private_key_data, then the signed certificate. */
function certBlob(caSeed: Uint8Array, identity: string): Uint8Array {
  const seed = nodeCrypto.randomBytes(32);
  const nowSec = Math.floor(Date.now() / 1000);
  const cert = issueCert(nodeCrypto, caSeed, {
    identity,
    publicKey: nodeCrypto.ed25519PublicKey(seed),
    timeCreatedSec: nowSec - 60,
    timeExpirySec: nowSec + 3600,
  });
  return Buffer.concat([Buffer.of(0x0a, 32), seed, cert]);
}

/** Walks the records to the last byte. */
function pcapRecords(file: Buffer): number {
  expect(file.readUInt32LE(0)).toBe(0xa1b2c3d4);
  let at = 24;
  let records = 0;
  for (; at < file.length; records++) {
    const length = file.readUInt32LE(at + 8);
    expect(file.readUInt16BE(at + 16 + 2)).toBe(length); // IPv4's own total length
    at += 16 + length;
  }
  expect(at).toBe(file.length);
  return records;
}
