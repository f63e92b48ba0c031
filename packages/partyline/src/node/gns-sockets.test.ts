import { expect, test } from 'vitest';
import { EndReason } from '../gns/index.ts';
import { SendFlag } from '../snp/index.ts';
import { type Connection, GnsSockets } from './index.ts';

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
