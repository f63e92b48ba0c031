import type { Connection } from 'partyline/node';
import { SendFlag } from 'partyline/protocol/snp';
import { describe, expect, test } from 'vitest';
import { NativeState, nativeBinary } from './gns-native.ts';
import { P2pPair, p2pSeats } from './gns-p2p-rig.ts';

/** Connections of each seat. */
const RUNS = 20;

const ports = (first: number): number[] => Array.from({ length: RUNS }, (_, i) => first + i);

describe.skipIf(nativeBinary === undefined)('the native library, by signals and ICE', () => {
  test.each(p2pSeats)('%s: twenty times, and messages pass both ways', async (seat) => {
    await using pair = await P2pPair.open();
    for (const port of ports(0)) {
      const { ours, conn } = await pair.connect(seat, port);
      expect(ours).toMatchObject({
        state: 'connected',
        remoteIdentity: 'str:native',
        isVerified: false,
        isEncrypted: true,
        route: { type: 'local' },
      });
      expect(await pair.echo(ours, conn, `${seat} ${port}`)).toBe(`${seat} ${port}`);
      await ours.close(1000, 'next');
      await pair.native.next('state', { conn, new: NativeState.ClosedByPeer, reason: 1000 });
    }
  });

  test.each(p2pSeats)(
    '%s: twenty at once, with three of ten signals lost and half of them doubled',
    async (seat) => {
      await using pair = await P2pPair.open({ seed: 7, loss: 30, duplicates: 50 });
      const connected = await Promise.all(
        ports(100).map(async (port) => (await pair.connect(seat, port)).ours.state),
      );
      expect(connected).toEqual(ports(100).map(() => 'connected'));
    },
    60_000,
  );

  test.each(p2pSeats)('%s: traffic of all sizes, nothing lost or damaged', async (seat) => {
    await using pair = await P2pPair.open();
    const { ours, conn } = await pair.connect(seat, 3);
    await pair.native.receive('echo');
    for (const size of [0, 1, 1200, 1233, 5000, 60_000]) {
      const sent = new Uint8Array(size).map((_, i) => i * 7 + size);
      ours.send(sent, SendFlag.Reliable | SendFlag.NoNagle);
      const got = await nextMessage(ours);
      expect([size, Buffer.compare(got, sent)]).toEqual([size, 0]);
    }
    expect(conn).toBeGreaterThan(0);
  });

  test('we close: the native side learns reason and text', async () => {
    await using pair = await P2pPair.open();
    const { ours, conn } = await pair.connect('we call native', 0);
    await ours.close(1042, 'that is all');
    const state = await pair.native.next('state', { conn, new: NativeState.ClosedByPeer });
    expect(state).toMatchObject({ reason: 1042, debug: 'that is all' });
  });

  test('the native side closes a silent connection: we learn it though it does not say so', async () => {
    await using pair = await P2pPair.open();
    const { ours, conn } = await pair.connect('native calls us', 0);
    pair.native.tell('close', { conn, reason: 1017, debug: 'crashed' });
    await ours.ended;
    expect([ours.endReason, ours.endDebug]).toEqual([1017, 'crashed']);
  });

  test('virtual ports: the local one need not be the remote one', async () => {
    await using pair = await P2pPair.open();
    pair.native.tell('p2pListen', { port: 8 });
    await pair.native.next('p2pListening', { port: 8 });
    const ours = await pair.ours.connectP2P('str:native', 8, { localVirtualPort: 9 });
    expect(ours.state).toBe('connected');
  });

  test('a refusal of ours ends the native attempt with our reason', async () => {
    await using pair = await P2pPair.open();
    const listening = pair.ours.listenP2P(5);
    listening.events.on('incoming', (incoming) => void incoming.close(1003, 'full'));
    pair.native.tell('p2pConnect', { identity: 'str:ours', port: 5 });
    const state = await pair.native.next('state', { new: NativeState.ClosedByPeer });
    expect(state).toMatchObject({ reason: 1003, debug: 'full' });
  });

  test('a native peer that nobody answers times out with 5003, as ours does', async () => {
    await using pair = await P2pPair.open({
      ours: { config: { timeoutInitialMs: 1500 } },
      prepare: (native) => native.config({ TimeoutInitial: 1500 }),
    });
    pair.native.tell('p2pConnect', { identity: 'str:ours', port: 6 }); // we do not listen there
    const state = await pair.native.next('state', { new: NativeState.Problem });
    expect(state).toMatchObject({ reason: 5003 });
    const ours = pair.ours.dialP2P('str:nobody', 6);
    await ours.ended;
    expect(ours.endReason).toBe(5003);
  });
});

describe.skipIf(nativeBinary === undefined)('the native ISteamNetworkingMessages', () => {
  test('writes to us, and we answer', async () => {
    await using pair = await open();
    const { ours, native } = pair;
    ours.messages.events.on('sessionRequest', ({ identity }) => ours.messages.accept(identity));
    native.tell('messageTo', { identity: 'str:ours', hex: '0102', channel: 2 });
    expect(await nextOn(ours.messages, 2)).toBe('str:native 0102');
    ours.messages.send('str:native', Uint8Array.of(3), { channel: 1 });
    expect(await native.next('userMessage', { channel: 1 })).toMatchObject({
      identity: 'str:ours',
      hex: '03',
    });
  });

  test('is asked by us, accepts, answers, and closes', async () => {
    await using pair = await open();
    const { ours, native } = pair;
    ours.messages.send('str:native', Uint8Array.of(1, 2, 3), { channel: 3 });
    await native.next('sessionRequest', { identity: 'str:ours' });
    native.tell('acceptSession', { identity: 'str:ours' });
    expect(await native.next('userMessage', { channel: 3 })).toMatchObject({ hex: '010203' });
    native.tell('messageTo', { identity: 'str:ours', hex: 'ff', channel: 0 });
    expect(await nextOn(ours.messages, 0)).toBe('str:native ff');
    const { connection } = ours.messages.stateOf('str:native');
    native.tell('closeSession', { identity: 'str:ours' });
    while (connection?.state === 'connected') await new Promise((r) => setTimeout(r, 20));
    expect(connection?.endReason).toBe(1001);
  });

  test('and we write to each other at once: one session', async () => {
    await using pair = await open();
    const { ours, native } = pair;
    ours.messages.send('str:native', Uint8Array.of(7));
    native.tell('messageTo', { identity: 'str:ours', hex: '08' });
    expect(await nextOn(ours.messages, 0)).toBe('str:native 08');
    expect(await native.next('userMessage')).toMatchObject({ hex: '07' });
  });

  async function open(): Promise<P2pPair> {
    return P2pPair.open({
      prepare: async (native) => {
        native.tell('messages');
        await native.next('messagesReady');
      },
    });
  }
});

async function nextMessage(connection: Connection): Promise<Uint8Array> {
  for (;;) {
    const message = connection.receive();
    if (message !== undefined) return message.bytes;
    await new Promise<void>((resolve) => connection.events.on('readable', resolve, { once: true }));
  }
}

async function nextOn(messages: P2pPair['ours']['messages'], channel: number): Promise<string> {
  for (;;) {
    const message = messages.receive(channel);
    if (message !== undefined)
      return `${message.from} ${Buffer.from(message.bytes).toString('hex')}`;
    await new Promise<void>((resolve) =>
      messages.events.on('messages', () => resolve(), { once: true }),
    );
  }
}
