import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connected, crypto, drain, endpoint, pair, pass } from '../../test/gns-rig.ts';
import { SendFlag } from '../snp/index.ts';
import { selfMadeIdentity } from './index.ts';

describe('hostile input', () => {
  test('any bytes, from anybody or the peer, change nothing but counters', () => {
    const made = connected();
    const types = fc.constantFrom(32, 33, 34, 35, 36, 37, 0x80, 0x81, 0x82, 0x83, 0xff);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1300 }),
      fc
        .tuple(types, fc.uint8Array({ maxLength: 700 }))
        .map(([t, rest]) => Uint8Array.of(t, ...rest)),
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom('a', 'b', 'c'), (datagram, from) => {
        made.server.handleDatagram(made.net.now, from, datagram);
        made.client.handleDatagram(made.net.now, from, datagram);
      }),
      { numRuns: 2000 },
    );
    pass(made.net, 1000);
    expect(made.connection.state).toBe('connected');
    expect(made.incoming().state).toBe('connected');
    expect(made.server.connectionCount).toBe(1);
  });

  test('nobody gets more bytes than it sent before it proved its address', () => {
    const { server } = pair();
    fc.assert(
      fc.property(
        fc.constantFrom(32, 34, 36, 37, 0x80),
        fc.uint8Array({ maxLength: 1299 }),
        (type, rest) => {
          const datagram = Uint8Array.of(type, ...rest);
          server.handleDatagram(1, 'z', datagram);
          let answered = 0;
          for (let t = server.pollTransmit(); t; t = server.pollTransmit())
            answered += t.bytes.length;
          expect(answered).toBeLessThanOrEqual(datagram.length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('challenges alone leave nothing behind; requests are bounded', () => {
    const server = endpoint(selfMadeIdentity(crypto, 'str:bob'), {
      isListening: true,
      maxIncoming: 3,
    });
    const kinds = Array.from({ length: 8 }, (_, i) => `client${i}`);
    for (const from of kinds) {
      const client = endpoint(selfMadeIdentity(crypto, 'str:x'), {});
      client.connect(0, 'b');
      const challenge = client.pollTransmit();
      if (challenge) server.handleDatagram(0, from, challenge.bytes);
      expect(server.connectionCount).toBeLessThanOrEqual(3);
      const reply = server.pollTransmit();
      if (reply) client.handleDatagram(0, 'b', reply.bytes);
      const request = client.pollTransmit();
      if (request) server.handleDatagram(0, from, request.bytes);
    }
    expect(server.connectionCount).toBe(3);
    expect(server.counts.refused).toBe(5);
  });

  test('a replayed packet is dropped', () => {
    const { net, client, server, connection, incoming } = connected();
    connection.snp.send(net.now, Uint8Array.of(9), SendFlag.Reliable | SendFlag.NoNagle);
    client.touch(net.now, connection);
    const packet = client.pollTransmit();
    for (let i = 0; i < 3; i++) if (packet) server.handleDatagram(net.now, 'a', packet.bytes);
    expect(drain(incoming(), net.now)).toHaveLength(1);
    expect(incoming().drops.replayed).toBe(2);
  });
});
