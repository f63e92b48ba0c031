import { type Connection, GnsSockets } from 'partyline/node';
import { SendFlag } from 'partyline/protocol/snp';
import { describe, expect, test } from 'vitest';
import { NativePeer, NativeState, nativeBinary } from './gns-native.ts';
import { until } from './gns-seats.ts';

const CONNECTIONS = 1000;

describe.skipIf(nativeBinary === undefined)('many', () => {
  test('1,000 native connections to one listener of ours, a message each way', async () => {
    await using native = await NativePeer.start('str:native');
    await using sockets = new GnsSockets({ identity: 'str:ours' });
    const listening = await sockets.listen({ host: '127.0.0.1', maxIncoming: CONNECTIONS });
    const accepted: Connection[] = [];
    let echoed = 0;
    listening.events.on('incoming', (incoming) => {
      listening.accept(incoming);
      accepted.push(incoming);
      incoming.events.on('readable', () => {
        for (let m = incoming.receive(); m; m = incoming.receive()) echoed += 1;
      });
    });
    // 1,000 handshakes under GNS's one lock take their time where other work goes on.
    await native.config({ TimeoutInitial: 60_000 });
    await native.receive('echo');
    for (let i = 0; i < CONNECTIONS; i++) {
      native.tell('connect', { address: `127.0.0.1:${listening.address.port}` });
    }
    await until(() => accepted.length === CONNECTIONS, 60_000);
    for (const connection of accepted) connection.send(Uint8Array.of(1, 2, 3), SendFlag.Reliable);
    await until(() => echoed === CONNECTIONS, 60_000);
    expect(accepted.every(({ state }) => state === 'connected')).toBe(true);
  }, 180_000);

  test('200 connections of ours to one native listener', async () => {
    await using native = await NativePeer.start('str:native');
    await using sockets = new GnsSockets({ identity: 'str:ours' });
    const port = await native.listen();
    await native.receive('echo');
    const made = await Promise.all(
      Array.from({ length: 200 }, () => sockets.connect({ host: '127.0.0.1', port })),
    );
    let echoed = 0;
    for (const connection of made) {
      connection.events.on('readable', () => {
        for (let m = connection.receive(); m; m = connection.receive()) echoed += 1;
      });
      connection.send(Uint8Array.of(9), SendFlag.Reliable | SendFlag.NoNagle);
    }
    await until(() => echoed === made.length);
  }, 120_000);

  test('packet numbers pass 65,536 both ways', async () => {
    await using native = await NativePeer.start('str:native');
    await native.config({ SendRateMin: 50_000_000, SendRateMax: 50_000_000, NagleTime: 0 });
    const rate = { sendRateMinBytesPerSecond: 50e6, sendRateMaxBytesPerSecond: 50e6 };
    await using sockets = new GnsSockets({ identity: 'str:ours', config: rate });
    const port = await native.listen();
    await native.receive('echo');
    const connection = await sockets.connect({ host: '127.0.0.1', port });
    await native.next('state', { new: NativeState.Connected });
    let echoed = 0;
    connection.events.on('readable', () => {
      for (let m = connection.receive(); m; m = connection.receive()) echoed += 1;
    });
    const one = new Uint8Array(1150);
    while (connection.stats().packetsSent < 67_000 || connection.stats().packetsReceived < 67_000) {
      for (let i = 0; i < 30; i++) connection.send(one, SendFlag.NoNagle);
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (connection.state !== 'connected') throw new Error(connection.describe());
    }
    expect(connection.send(Uint8Array.of(7), SendFlag.Reliable | SendFlag.NoNagle)).toBeGreaterThan(
      0,
    );
    await until(() => connection.stats().sentUnackedReliableBytes === 0);
    expect(echoed).toBeGreaterThan(60_000);
  }, 180_000);
});
