import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connected, crypto, drain, pass } from '../../test/gns-rig.ts';
import { NetError } from '../base/index.ts';
import { CertStore } from '../cert/index.ts';
import { SendFlag } from '../snp/index.ts';
import { GnsConfig, gnsConfigValues, optionRanges } from './index.ts';

/** GNS's four scopes, each inside the one before. */
function scopes(): { global: GnsConfig; sockets: GnsConfig; listening: GnsConfig; one: GnsConfig } {
  const global = new GnsConfig({ parent: crypto });
  const sockets = new GnsConfig({ parent: global });
  const listening = new GnsConfig({ parent: sockets });
  const one = new GnsConfig({ parent: listening, hasSocket: false });
  return { global, sockets, listening, one };
}

describe('the four scopes', () => {
  test('a value comes from the narrowest scope that has it, else the default', () => {
    const { global, sockets, listening, one } = scopes();
    expect(one.values.nagleMs).toBe(5);
    global.set({ nagleMs: 6 });
    expect(one.values.nagleMs).toBe(6);
    listening.set({ nagleMs: 8 });
    sockets.set({ nagleMs: 7 });
    expect([sockets, listening, one].map(({ values }) => values.nagleMs)).toEqual([7, 8, 8]);
    listening.set({ nagleMs: undefined });
    expect(one.values.nagleMs).toBe(7);
    expect(one.getValue('NagleTime')).toEqual({ value: 7000, isInherited: true });
    one.setValue(12, 2500);
    expect(one.getValue(12)).toEqual({ value: 2500, isInherited: false });
    expect(one.own).toEqual({ nagleMs: 2.5 });
  });

  test('the parts of a bad network are inherited one by one', () => {
    const { global, sockets } = scopes();
    global.set({ fakeSend: { lagMs: 30 } });
    sockets.set({ fakeSend: { lossPercent: 5 } });
    sockets.set({ fakeSend: { reorderPercent: 1 } });
    const { lagMs, lossPercent, reorderPercent } = sockets.values.fakeSend;
    expect([lagMs, lossPercent, reorderPercent]).toEqual([30, 5, 1]);
    expect(sockets.values.fakeReceive.lagMs).toBe(0);
  });

  test('a change that is wrong for anybody below changes nobody', () => {
    const { global, one } = scopes();
    one.set({ maxMessageBytes: 1_000_000 });
    expect(() => global.set({ receiveBufferBytes: 900_000 })).toThrow('must hold maxMessageBytes');
    expect([global, one].map(({ values }) => values.receiveBufferBytes)).toEqual([
      2 ** 20,
      2 ** 20,
    ]);
    expect(global.own).toEqual({});
  });

  test('a scope that is released hears no more', () => {
    const { listening, one } = scopes();
    let heard = 0;
    one.onChange(() => {
      heard += 1;
    });
    listening.set({ nagleMs: 1 });
    one.release();
    listening.set({ nagleMs: 2 });
    expect([heard, one.values.nagleMs]).toEqual([1, 1]);
  });

  test('what the handshake shows is fixed by it; trust given later is for the next', () => {
    const { global, one } = scopes();
    one.lock();
    global.set({ allowWithoutAuth: 0, timeoutConnectedMs: 77 });
    expect(one.values).toMatchObject({ allowWithoutAuth: 2, timeoutConnectedMs: 77 });
    expect(() => one.set({ unencrypted: 3 })).toThrow('unencrypted is fixed since the handshake');
  });

  test('a bad network belongs to a socket, not to one of its connections', () => {
    const { one } = scopes();
    expect(() => one.setValue('FakePacketLoss_Send', 5)).toThrow('belongs to a socket');
  });

  test('who names CAs does not get the store of the wider scope', () => {
    const { global, sockets } = scopes();
    const certStore = new CertStore(crypto, { roots: [] });
    global.set({ certStore });
    expect(sockets.values.certStore).toBe(certStore);
    sockets.set({ trustedCas: [crypto.ed25519PublicKey(new Uint8Array(32).fill(1))] });
    expect(sockets.values.certStore).not.toBe(certStore);
  });
});

describe('GNS’s values by name', () => {
  test.each(gnsConfigValues.map((row) => [row.name, row] as const))(
    '%s: read, set to its limits, refused beyond them',
    (name, { number, min, max, set }) => {
      const { sockets } = scopes();
      const before = sockets.getValue(name);
      expect(sockets.getValue(number)).toEqual(before);
      expect(before.value).toBeGreaterThanOrEqual(Math.max(min, 0));
      expect(before.value).toBeLessThanOrEqual(max);
      if (set === undefined) {
        expect(() => sockets.setValue(name, min)).toThrow('can only be read');
        return;
      }
      sockets.set({ maxMessageBytes: 64, receiveBufferBytes: 2 ** 28 });
      for (const value of [Math.max(min, 0), max]) {
        if (name === 'RecvMaxMessageSize' || name === 'RecvBufferSize')
          sockets.set({ receiveBufferBytes: 2 ** 28 });
        sockets.setValue(name, value);
        expect(sockets.getValue(name).value).toBe(value);
      }
      for (const value of [min - 1, max * 1.5 + 1, Number.NaN]) {
        expect(() => sockets.setValue(name, value)).toThrow(`${name} takes ${min} to ${max}`);
      }
    },
  );

  test('there are no two of a name or number', () => {
    expect(new Set(gnsConfigValues.map(({ name }) => name)).size).toBe(gnsConfigValues.length);
    expect(new Set(gnsConfigValues.map(({ number }) => number)).size).toBe(gnsConfigValues.length);
    expect(() => scopes().one.getValue('NagelTime')).toThrow('no configuration value NagelTime');
  });

  test('any number in any option is taken, or refused with OPTIONS_INVALID and no change', () => {
    const names = Object.keys(optionRanges);
    const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -1, 2 ** 31));
    fc.assert(
      fc.property(fc.constantFrom(...names), number, (name, value) => {
        const { one } = scopes();
        const before = { ...one.values };
        try {
          one.set({ [name]: value });
        } catch (error) {
          expect(error).toBeInstanceOf(NetError);
          expect(one.values).toEqual(before);
        }
      }),
    );
  });
});

describe('changes while connected', () => {
  test('a higher rate counts from the next packet on', () => {
    const slow = { sendRateMinBytesPerSecond: 10_000, sendRateMaxBytesPerSecond: 10_000 };
    const { net, client, connection, incoming } = connected({ clientOptions: slow });
    for (let i = 0; i < 100; i++)
      connection.snp.send(net.now, new Uint8Array(1000), SendFlag.Reliable);
    client.touch(net.now, connection);
    pass(net, 1000);
    const early = drain(incoming(), net.now).length;
    expect(early).toBeLessThan(15);
    client.config.set({ sendRateMinBytesPerSecond: 1e6, sendRateMaxBytesPerSecond: 1e6 });
    client.touch(net.now, connection);
    pass(net, 1000);
    expect(early + drain(incoming(), net.now).length).toBe(100);
  });

  test('a smaller MTU makes smaller packets', () => {
    const { net, client, connection } = connected();
    const sizes = (): number[] => {
      connection.snp.send(net.now, new Uint8Array(5000), SendFlag.Reliable | SendFlag.NoNagle);
      client.touch(net.now, connection);
      const seen: number[] = [];
      for (let i = 0; i < 200; i++) {
        const sent = client.pollTransmit();
        if (sent !== undefined) seen.push(sent.bytes.length);
        net.now += 5;
        client.handleTimeout(net.now);
      }
      return seen;
    };
    expect(Math.max(...sizes())).toBeGreaterThan(1200);
    connection.config.set({ mtuBytes: 400 });
    pass(net, 1000); // what was sent in larger packets is repeated in them
    expect(connection.snp.isSettled).toBe(true);
    expect(Math.max(...sizes())).toBeLessThanOrEqual(400);
  });

  test('a longer time-out saves a connection that is silent', () => {
    const { net, connection, client } = connected();
    client.config.set({ timeoutConnectedMs: 60_000 });
    connection.snp.send(net.now, Uint8Array.of(1), SendFlag.Reliable | SendFlag.NoNagle);
    for (let t = 0; t < 300; t++) {
      net.now += 100;
      client.handleTimeout(net.now);
      while (client.pollTransmit() !== undefined);
    }
    expect(connection.state).toBe('connected');
  });

  test('a smaller receive buffer holds less, and a message limit counts for the next lane too', () => {
    const { net, client, server, connection, incoming } = connected();
    server.config.set({ receiveBufferMessages: 3 });
    for (let i = 0; i < 10; i++) connection.snp.send(net.now, new Uint8Array(10), SendFlag.NoNagle);
    client.touch(net.now, connection);
    pass(net, 500);
    expect(drain(incoming(), net.now)).toHaveLength(3);
  });

  test('a bad network can be switched on and off', () => {
    const { net, client, connection, incoming } = connected();
    const arrives = (): number => {
      for (let i = 0; i < 20; i++)
        connection.snp.send(net.now, new Uint8Array(1000), SendFlag.NoNagle);
      client.touch(net.now, connection);
      pass(net, 500);
      return drain(incoming(), net.now).length;
    };
    expect(arrives()).toBe(20);
    client.config.set({ fakeSend: { lossPercent: 100 } });
    expect(arrives()).toBe(0);
    client.config.set({ fakeSend: undefined });
    expect(arrives()).toBe(20);
  });
});
