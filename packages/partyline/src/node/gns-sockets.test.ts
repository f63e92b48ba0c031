import { expect, test } from 'vitest';
import { EndReason, GnsConfig, PacketType } from '../gns/index.ts';
import { SendFlag } from '../snp/index.ts';
import type { GnsTap } from './gns-tap.ts';
import { type Connection, GnsSockets, nodeCrypto } from './index.ts';

const loopback = '127.0.0.1';

async function readable(connection: Connection): Promise<void> {
  await new Promise<void>((resolve) =>
    connection.events.on('readable', () => resolve(), { once: true }),
  );
}

test('two ends over loopback: messages both ways, a close with reason', async () => {
  await using sockets = new GnsSockets({ identity: 'str:me' });
  const [a, b] = await sockets.createSocketPair();
  expect([a.remoteIdentity, b.remoteIdentity]).toEqual(['str:me', 'str:me']);
  expect(a.send(Uint8Array.of(1, 2, 3), SendFlag.Reliable | SendFlag.NoNagle)).toBe(1);
  await readable(b);
  expect(b.receive()).toMatchObject({ bytes: Uint8Array.of(1, 2, 3), lane: 0, isReliable: true });
  expect(b.receive()).toBeUndefined();
  await a.close(1007, 'so long');
  await b.ended;
  expect([b.endReason, b.endDebug]).toEqual([1007, 'so long']);
  expect(() => a.send(Uint8Array.of(1))).toThrow('the connection is finWait');
});

test('a socket that the system does not let connect is an error', async () => {
  await using sockets = new GnsSockets();
  const broadcast = { host: '255.255.255.255', port: 1 }; // EACCES without SO_BROADCAST
  await expect(sockets.dial(broadcast)).rejects.toMatchObject({ code: 'UDP_SOCKET' });
});

test('a question and a farewell leave within the call: the program may end with it', async () => {
  const sent: number[] = [];
  const tap: GnsTap = {
    sessionSecret: () => {},
    datagram: (direction, _local, _remote, bytes) => {
      if (direction === 'out') sent.push(bytes[0] ?? 0);
    },
  };
  await using sockets = new GnsSockets({ tap });
  await using listening = await new GnsSockets().listen({ host: loopback });
  const dialled = await sockets.dial(listening.address);
  expect(sent).toEqual([PacketType.ChallengeRequest]);
  void dialled.close();
  expect(sent).toEqual([PacketType.ChallengeRequest, PacketType.ConnectionClosed]);
});

test('a pipe inside the process is a connection like any other, without a socket', async () => {
  await using sockets = new GnsSockets({ identity: 'str:me' });
  const [a, b] = await sockets.createSocketPair({ isPipe: true });
  expect([a.state, b.state, a.remoteIdentity]).toEqual(['connected', 'connected', 'str:me']);
  a.configureLanes([{}, { priority: 1 }]);
  for (let i = 0; i < 100; i++) expect(a.send(new Uint8Array(5000).fill(i), 8, i % 2)).not.toBe(0);
  expect(a.laneStatuses().map((lane) => lane.pendingReliableBytes > 0)).toEqual([true, true]);
  const got: string[] = [];
  await new Promise<void>((resolve) => {
    b.events.on('readable', () => {
      for (let m = b.receive(); m; m = b.receive()) got.push(`${m.lane}:${m.bytes[0]}`);
      if (got.length === 100) resolve();
    });
  });
  for (const lane of [0, 1]) {
    const mine = got.filter((text) => text.startsWith(`${lane}:`));
    expect(mine).toEqual(Array.from({ length: 50 }, (_, i) => `${lane}:${i * 2 + lane}`));
  }
  await a.close(1003, 'that was it');
  await b.ended;
  expect([b.endReason, b.endDebug]).toEqual([1003, 'that was it']);
});

test('a connection tells all that is known of it', async () => {
  await using sockets = new GnsSockets({ identity: 'str:me' });
  const [a] = await sockets.createSocketPair();
  a.name = 'left';
  a.configureLanes([{}, { priority: 2, weight: 3 }]);
  const text = a.describe();
  expect(text).toMatch(
    /^left client 127\.0\.0\.1:\d+\n {2}peer str:me \(unverified\), AES-256-GCM/,
  );
  expect(text).toContain('lane 1: priority 2, weight 3, queued 0 B reliable');
  for (const part of ['state connected', 'so far here', 'now there not told yet', '0 forged']) {
    expect(text).toContain(part);
  }
});

test('configuration of the program, the sockets, the listen socket and the connection', async () => {
  const globalConfig = new GnsConfig({ parent: nodeCrypto }, { nagleMs: 9 });
  await using sockets = new GnsSockets({ globalConfig, config: { sendBufferBytes: 10_000 } });
  const listening = await sockets.listen({ host: loopback, config: { maxMessageBytes: 2000 } });
  const came = new Promise<Connection>((resolve) =>
    listening.events.on('incoming', (guest) => {
      listening.accept(guest);
      resolve(guest);
    }),
  );
  const mine = await sockets.connect(listening.address, { config: { receiveBufferMessages: 5 } });
  const theirs = await came;
  const { nagleMs, sendBufferBytes, maxMessageBytes, receiveBufferMessages } = theirs.config.values;
  expect([nagleMs, sendBufferBytes, maxMessageBytes, receiveBufferMessages]).toEqual([
    ...[9, 10_000, 2000, 1000],
  ]);
  expect(mine.config.values).toMatchObject({ maxMessageBytes: 524_288, receiveBufferMessages: 5 });
  globalConfig.set({ sendBufferBytes: 50_000, nagleMs: 3 });
  expect(mine.config.values).toMatchObject({ sendBufferBytes: 10_000, nagleMs: 3 });
  expect(() => theirs.send(new Uint8Array(2001))).toThrow('a message takes 2000 bytes');
  theirs.config.setValue('RecvMaxMessageSize', 3000);
  expect(theirs.send(new Uint8Array(2001))).toBeGreaterThan(0);
  expect(() => theirs.config.set({ unencrypted: 3 })).toThrow('fixed since the handshake');
});

test('megabytes arrive whole and in order', async () => {
  const fast = { sendRateMinBytesPerSecond: 50e6, sendRateMaxBytesPerSecond: 50e6 };
  await using sockets = new GnsSockets({ config: fast });
  const [a, b] = await sockets.createSocketPair();
  const got: number[] = [];
  const all = new Promise<void>((resolve) => {
    b.events.on('readable', () => {
      for (let m = b.receive(); m; m = b.receive()) {
        expect(m.bytes.length).toBe(60_000);
        got.push(m.bytes[0] ?? -1);
        if (got.length === 100) resolve();
      }
    });
  });
  for (let i = 0; i < 100; ) {
    if (a.send(new Uint8Array(60_000).fill(i)) > 0) i += 1;
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('IPv6 works as IPv4 does', async () => {
  await using sockets = new GnsSockets();
  const listening = await sockets.listen({ host: '::1' });
  listening.events.on('incoming', (incoming) => listening.accept(incoming));
  const connection = await sockets.connect({ host: '::1', port: listening.address.port });
  expect(connection.remoteIdentity).toBe(`ip:[::1]:${listening.address.port}`);
});

test('connecting to nobody fails with GNS’s reason after TimeoutInitial', async () => {
  await using sockets = new GnsSockets({ config: { timeoutInitialMs: 50 } });
  const listening = await sockets.listen({ host: loopback });
  const { port } = listening.address;
  await listening.close();
  await expect(sockets.connect({ host: loopback, port })).rejects.toMatchObject({
    code: 'GNS_CONNECT_FAILED',
    message: expect.stringContaining(String(EndReason.MiscTimeout)),
  });
});

test('an aborted connect rejects and closes', async () => {
  await using sockets = new GnsSockets();
  await using listening = await sockets.listen({ host: loopback });
  const abort = new AbortController();
  const attempt = sockets.connect(listening.address, { signal: abort.signal });
  setTimeout(() => abort.abort(), 5);
  await expect(attempt).rejects.toMatchObject({ code: 'GNS_CONNECT_FAILED' });
});

test('a poll group receives for all, one from each in turn', async () => {
  await using sockets = new GnsSockets();
  const pairs = await Promise.all([sockets.createSocketPair(), sockets.createSocketPair()]);
  const group = sockets.createPollGroup();
  for (const [, b] of pairs) b.pollGroup = group;
  const waits = pairs.map(([, b]) => readable(b));
  for (const [i, [a]] of pairs.entries()) {
    a.sendBatch(
      [1, 2].map((n) => ({
        bytes: Uint8Array.of(i, n),
        flags: SendFlag.Reliable | SendFlag.NoNagle,
      })),
    );
  }
  await Promise.all(waits);
  const got: string[] = [];
  for (let m = group.receive(); m; m = group.receive()) got.push(m.message.bytes.join());
  expect(new Set(got)).toEqual(new Set(['0,1', '0,2', '1,1', '1,2']));
  expect(got[0]?.[0]).not.toBe(got[1]?.[0]);
});

test('a host name is refused: look-ups are the caller’s', async () => {
  await using sockets = new GnsSockets();
  await expect(sockets.connect({ host: 'localhost', port: 1 })).rejects.toMatchObject({
    code: 'OPTIONS_INVALID',
  });
});

test('who sends to many in a row: what one connection is sent shares its packet', async () => {
  await using sockets = new GnsSockets({ identity: 'str:me' });
  const listening = await sockets.listen({ host: loopback, port: 0 });
  listening.events.on('incoming', (guest) => void listening.accept(guest));
  const dials = Array.from({ length: 70 }, () => sockets.connect(listening.address));
  const arrived = (await Promise.all(dials)).map(readable);
  const packets = (): number[] => listening.connections.map((guest) => guest.stats().packetsSent);
  const before = packets();
  for (const guest of listening.connections) {
    for (const byte of [1, 2, 3]) guest.send(Uint8Array.of(byte), SendFlag.NoNagle);
  }
  await new Promise((resolve) => setImmediate(resolve));
  const sent = packets().map((count, i) => count - (before[i] ?? 0));
  await Promise.all(arrived);
  expect(sent).toEqual(before.map(() => 1));
});
