import { GnsSockets, nodeCrypto } from 'partyline/node';
import { CertStore, issueCert } from 'partyline/protocol/cert';
import { SendFlag } from 'partyline/protocol/snp';
import { describe, expect, test } from 'vitest';
import { NativePeer, NativeState, nativeBinary } from './gns-native.ts';
import { receiveOne, seats, sit, until } from './gns-seats.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe.skipIf(nativeBinary === undefined)('the native library', () => {
  test('speaks protocol 13 and has the ICE client', async () => {
    const native = new NativeProbe();
    expect(await native.ready()).toMatchObject({ protocolVersion: 13, ice: true });
  });

  test.each(seats)('%s: both are connected and know each other', async (seat) => {
    await using pair = await sit(seat);
    expect(pair.ours).toMatchObject({
      state: 'connected',
      remoteIdentity: 'str:native',
      isVerified: false,
      isEncrypted: true,
    });
    expect(pair.ours.stats().pingMs).toBeGreaterThanOrEqual(0);
  });

  test.each(seats)('%s: over IPv6', async (seat) => {
    await using pair = await sit(seat, { host: '::1' });
    expect(pair.ours.state).toBe('connected');
  });

  test.each(seats)('%s: messages of 1 B to 512 KiB, there and back', async (seat) => {
    await using pair = await sit(seat, {
      sockets: { config: { sendRateMinBytesPerSecond: 20e6, sendRateMaxBytesPerSecond: 20e6 } },
      prepare: (native) =>
        native.config({
          SendRateMin: 20_000_000,
          SendRateMax: 20_000_000,
          SendBufferSize: 1_000_000,
        }),
    });
    await pair.native.receive('echo');
    for (const flags of [SendFlag.Reliable, SendFlag.Unreliable]) {
      for (const size of [1, 31, 32, 1100, 1200, 1233, 5000, 16_500, 16_501, 100_000, 524_288]) {
        const sent = new Uint8Array(size).map((_, i) => i * 7 + size);
        expect(pair.ours.send(sent, flags | SendFlag.NoNagle)).toBeGreaterThan(0);
        const got = await receiveOne(pair.ours);
        expect([size, Buffer.compare(got, sent)]).toEqual([size, 0]);
      }
    }
  });

  test.each(seats)('%s: an empty message', async (seat) => {
    await using pair = await sit(seat);
    await pair.native.receive('echo');
    pair.ours.send(new Uint8Array(0), SendFlag.Reliable | SendFlag.NoNagle);
    expect(await receiveOne(pair.ours)).toHaveLength(0);
  });

  test.each(seats)('%s: we close, the native side learns reason and text', async (seat) => {
    await using pair = await sit(seat);
    await pair.ours.close(1042, 'that is all');
    const state = await pair.native.next('state', {
      conn: pair.conn,
      new: NativeState.ClosedByPeer,
    });
    expect(state).toMatchObject({ reason: 1042, debug: 'that is all' });
  });

  test.each(seats)('%s: the native side closes, we learn reason and text', async (seat) => {
    await using pair = await sit(seat);
    pair.native.tell('close', { conn: pair.conn, reason: 2007, debug: 'crashed' });
    await pair.ours.ended;
    expect([pair.ours.endReason, pair.ours.endDebug]).toEqual([2007, 'crashed']);
  });

  test.each(seats)('%s: a lingering close delivers first, both ways', async (seat) => {
    await using pair = await sit(seat);
    await pair.native.receive('events');
    for (let i = 0; i < 20; i++) pair.ours.send(new Uint8Array(2000).fill(i), SendFlag.Reliable);
    void pair.ours.close(1000, 'later', true);
    for (let i = 0; i < 20; i++) {
      const message = await pair.native.next('message');
      expect(message.hex).toBe(hex(new Uint8Array(2000).fill(i)));
    }
    await pair.native.next('state', { new: NativeState.ClosedByPeer, reason: 1000 });
  });

  test.each(seats)(
    '%s: a native peer that vanishes is missed after TimeoutConnected',
    async (seat) => {
      await using pair = await sit(seat, { sockets: { config: { timeoutConnectedMs: 1500 } } });
      await pair.native[Symbol.asyncDispose]();
      pair.ours.send(Uint8Array.of(1), SendFlag.Reliable);
      await pair.ours.ended;
      expect(pair.ours.endReason).toBe(5003);
    },
  );

  test.each(seats)('%s: not encrypted, when both want it', async (seat) => {
    await using pair = await sit(seat, {
      sockets: { config: { unencrypted: 3 } },
      prepare: (native) => native.config({ Unencrypted: 3 }),
    });
    expect(pair.ours.isEncrypted).toBe(false);
    await pair.native.receive('echo');
    pair.ours.send(Uint8Array.of(5, 6), SendFlag.Reliable | SendFlag.NoNagle);
    expect(await receiveOne(pair.ours)).toEqual(Uint8Array.of(5, 6));
  });

  test('the native server is not who we expected: both sides are told at once', async () => {
    await using native = await NativePeer.start('str:native');
    await using sockets = new GnsSockets();
    const port = await native.listen();
    await expect(
      sockets.connect({ host: '127.0.0.1', port }, { identity: 'str:other' }),
    ).rejects.toThrow('4003: Cert was issued to str:native, not str:other');
    expect(await native.next('state', { new: NativeState.ClosedByPeer })).toMatchObject({
      reason: 4003,
      debug: 'Cert was issued to str:native, not str:other',
    });
  });

  test('nobody vouches for the native client: refused with 4003 where that is demanded', async () => {
    await using native = await NativePeer.start('str:native');
    await using sockets = new GnsSockets({
      config: { allowWithoutAuth: 0, localHostAllowWithoutAuth: 0 },
    });
    const listening = await sockets.listen({ host: '127.0.0.1' });
    const conn = await native.dial(listening.address.port);
    const state = await native.next('state', { conn, new: NativeState.ClosedByPeer });
    expect(state).toMatchObject({ reason: 4003 });
  });

  test.each(seats)(
    '%s: the congestion controller finds its rate against the native side’s acks',
    async (seat) => {
      const config = {
        sendRateMinBytesPerSecond: 64 * 1024,
        sendRateMaxBytesPerSecond: 20 * 1024 * 1024,
      };
      await using pair = await sit(seat, { sockets: { config } });
      await pair.native.receive('tally');
      const rateBefore = pair.ours.stats().sendRateBytesPerSecond;
      let sent = 0;
      const message = new Uint8Array(8192);
      await until(() => {
        while (sent < 1500 && pair.ours.send(message, SendFlag.Reliable) > 0) sent += 1;
        return sent === 1500 && pair.ours.stats().sentUnackedReliableBytes === 0;
      });
      expect(pair.ours.stats().sendRateBytesPerSecond).toBeGreaterThan(2 * rateBefore);
      pair.native.tell('tally');
      expect(await pair.native.next('tally')).toMatchObject({ bytes: 1500 * message.length });
    },
  );

  test.each(seats)(
    '%s: our CA means nothing to the native side, which tolerates it; its own name is a claim to us',
    async (seat) => {
      const caSeed = nodeCrypto.randomBytes(32);
      const seed = nodeCrypto.randomBytes(32);
      const nowSec = Math.floor(Date.now() / 1000);
      const identity = 'str:certified';
      const cert = issueCert(nodeCrypto, caSeed, {
        identity,
        publicKey: nodeCrypto.ed25519PublicKey(seed),
        timeCreatedSec: nowSec - 10,
        timeExpirySec: nowSec + 600,
      });
      const certStore = new CertStore(nodeCrypto, {
        roots: [nodeCrypto.ed25519PublicKey(caSeed)],
      });
      await using pair = await sit(seat, {
        sockets: { certificate: { cert, seed, identity }, config: { certStore } },
      });
      expect(pair.ours.remoteIdentity).toBe('str:native');
      expect(pair.ours.isVerified).toBe(false);
      await pair.native.receive('echo');
      pair.ours.send(Uint8Array.of(7), SendFlag.Reliable | SendFlag.NoNagle);
      expect(await receiveOne(pair.ours)).toEqual(Uint8Array.of(7));
    },
  );

  test('the native server shows no certificate of a root of ours: refused with 4003 where that is demanded', async () => {
    await using native = await NativePeer.start('str:native');
    await using sockets = new GnsSockets({
      config: { allowWithoutAuth: 0, localHostAllowWithoutAuth: 0 },
    });
    const port = await native.listen();
    const connection = await sockets.dial({ host: '127.0.0.1', port });
    await expect(connection.connected).rejects.toMatchObject({ code: 'GNS_CONNECT_FAILED' });
    expect(connection.endReason).toBe(4003);
    const told = await native.next('state', { new: NativeState.ClosedByPeer });
    expect(told).toMatchObject({ reason: 4003, debug: connection.endDebug });
  });

  test('the native side demands certificates: it refuses ours, which its root did not sign', async () => {
    await using native = await NativePeer.start('str:native');
    await using sockets = new GnsSockets({
      identity: 'str:ours',
      config: { timeoutInitialMs: 2500 },
    });
    const port = await native.listen(); // it cannot listen once it demands a certificate, having none
    await native.config({ IpAllowWithoutAuth: 0, IpLocalHostAllowWithoutAuth: 0 });
    await expect(sockets.connect({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'GNS_CONNECT_FAILED',
    });
  });

  test('an application that never accepts: the native client times out', async () => {
    await using native = await NativePeer.start('str:native');
    await native.config({ TimeoutInitial: 1500 });
    await using sockets = new GnsSockets();
    const listening = await sockets.listen({ host: '127.0.0.1' });
    const conn = await native.dial(listening.address.port);
    expect(await native.next('state', { conn, new: NativeState.Problem })).toMatchObject({
      reason: 5003,
    });
  });
});

/** The first line of a fresh process. */
class NativeProbe {
  async ready(): Promise<unknown> {
    const { spawnSync } = await import('node:child_process');
    const { stdout } = spawnSync(nativeBinary ?? '', [], { input: '{"op":"quit"}\n' });
    return JSON.parse(stdout.toString().split('\n')[0] ?? '');
  }
}
