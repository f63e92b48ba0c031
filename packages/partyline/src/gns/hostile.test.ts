import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connected, crypto, drain, endpoint, pair, pass } from '../../test/gns-rig.ts';
import { SendFlag } from '../snp/index.ts';
import { encodeDataHeader, selfMadeIdentity } from './index.ts';

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

  test('frames made up by a peer that has the key: the connection lives or ends as GNS ends it', () => {
    const open = { unencrypted: 3, receiveBufferBytes: 65_536, maxMessageBytes: 65_536 } as const;
    const limits = { reassemblyBytes: 200_000, maxUnackedBytes: 100_000 };
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((b) => [...b]),
      fc.nat({ max: 255 }).map((offset) => [0x80, offset]),
      fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 40 })).map(([n, latest]) => {
        return [0x98 | n, latest, 0, 1, 0, ...new Array(n).fill(0x11)];
      }),
      fc.tuple(fc.nat({ max: 70_000 }), fc.uint8Array({ maxLength: 200 })).map(([at, b]) => {
        return [0x57, at & 0xff, (at >> 8) & 0xff, at >> 16, 0, 0, 0, ...b];
      }),
      fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 255 })).map(([n, lane]) => {
        return n === 7 ? [0x8f, lane & 0x7f] : [0x88 | n];
      }),
      fc.tuple(fc.nat({ max: 3000 }), fc.uint8Array({ maxLength: 100 })).map(([number, b]) => {
        return [0x27, number & 0xff, number >> 8, ...b];
      }),
    );
    const packet = fc.tuple(
      fc.integer({ min: 1, max: 30 }),
      fc.array(frame, { maxLength: 4 }),
      fc.constantFrom(0x80, 0x81, 0x82, 0x83),
      fc.uint8Array({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 60 }), (packets) => {
        const options = { ...open, ...limits };
        const made = connected({ clientOptions: options, serverOptions: options });
        const { net, server } = made;
        const victim = made.incoming();
        victim.snp.send(net.now, new Uint8Array(3000), SendFlag.Reliable);
        let number = 2;
        for (const [step, frames, flags, stats] of packets) {
          number += step;
          const head = new Uint8Array(9);
          const length = encodeDataHeader(head, 0, victim.id, number, undefined, -1);
          head[0] = flags;
          const blob = (flags & 1) !== 0 ? [stats.length, ...stats] : [];
          const time = (flags & 2) !== 0 ? [5, 0] : [];
          const bytes = [...head.subarray(0, length), ...blob, ...time, ...frames.flat()];
          server.handleDatagram(net.now, 'a', Uint8Array.from(bytes.slice(0, 1300)));
          net.now += 5;
          server.handleTimeout(net.now);
          while (server.pollTransmit() !== undefined);
        }
        let held = 0;
        for (let m = victim.receive(net.now); m; m = victim.receive(net.now))
          held += m.bytes.length;
        expect(held).toBeLessThanOrEqual(265_536);
        const isAlive = victim.state === 'connected';
        if (!isAlive) expect([5001, 5002]).toContain(victim.endReason);
        expect(server.connectionCount).toBe(1);
        const { sentUnackedReliableBytes, pendingReliableBytes } = victim.snp.stats();
        expect(sentUnackedReliableBytes + pendingReliableBytes).toBeLessThan(4000);
      }),
      { numRuns: 50 },
    );
  });

  test('a flood of replayed and spoofed packets of a live connection is counted, and it goes on', () => {
    const { net, client, server, connection, incoming } = connected();
    connection.snp.send(net.now, Uint8Array.of(1), SendFlag.Reliable | SendFlag.NoNagle);
    client.touch(net.now, connection);
    const packet = client.pollTransmit()?.bytes ?? new Uint8Array(0);
    const spoofed = packet.slice();
    for (let i = 0; i < 4000; i++) {
      server.handleDatagram(net.now, 'a', packet);
      spoofed[5] = i & 0xff;
      spoofed[6] = (i >> 8) & 0xff;
      server.handleDatagram(net.now, 'a', spoofed);
    }
    const { replayed, forged } = incoming().drops;
    expect(replayed + forged).toBeGreaterThan(7900);
    expect(incoming().numbers.newest).toBeLessThan(10); // no number is believed that does not open
    drain(incoming(), net.now);
    connection.snp.send(net.now, Uint8Array.of(2), SendFlag.Reliable | SendFlag.NoNagle);
    client.touch(net.now, connection);
    pass(net, 200);
    expect(drain(incoming(), net.now)).toEqual([Uint8Array.of(2)]);
  });

  test('handshakes are checked no faster than the limit, whoever asks', () => {
    const server = endpoint(selfMadeIdentity(crypto, 'str:bob'), {
      isListening: true,
      maxHandshakesPerSecond: 5,
      maxConnections: 1000,
      maxIncoming: 1000,
    });
    const requests: [string, Uint8Array][] = [];
    for (let i = 0; i < 30; i++) {
      const client = endpoint(selfMadeIdentity(crypto, `str:c${i}`), {});
      client.connect(0, 'b');
      const challenge = client.pollTransmit();
      if (challenge) server.handleDatagram(0, `c${i}`, challenge.bytes);
      const reply = server.pollTransmit();
      if (reply) client.handleDatagram(0, 'b', reply.bytes);
      const request = client.pollTransmit();
      if (request) requests.push([`c${i}`, request.bytes]);
    }
    expect(server.connectionCount).toBe(0);
    for (const [from, bytes] of requests) server.handleDatagram(10, from, bytes);
    expect(server.connectionCount).toBe(5);
    expect(server.counts.refused).toBe(25);
    for (const [from, bytes] of requests.slice(5)) server.handleDatagram(1010, from, bytes);
    expect(server.connectionCount).toBe(10);
  });
});
