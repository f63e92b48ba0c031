import { describe, expect, test } from 'vitest';
import { connected, crypto, drain, endpoint, pass, silent } from '../../test/gns-rig.ts';
import { SendFlag } from '../snp/index.ts';
import { SimNetwork } from '../testing/index.ts';
import { EndReason, selfMadeIdentity } from './index.ts';

describe('messages', () => {
  test('both ways, reliable and not, over a bad link', () => {
    const link = { loss: 0.1, jitterMs: 20, duplicate: 0.1 };
    const { net, client, server, connection, incoming } = connected({ link, seed: 3 });
    const sent = Array.from({ length: 300 }, (_, i) => new Uint8Array((i * 37) % 3000).fill(i));
    for (const bytes of sent) {
      expect(connection.snp.send(net.now, bytes, SendFlag.Reliable)).toBeGreaterThan(0);
      if (bytes.length < 1000) incoming().snp.send(net.now, bytes, SendFlag.Reliable);
    }
    client.touch(net.now, connection);
    server.touch(net.now, incoming());
    pass(net, 20_000);
    const asText = (messages: Uint8Array[]): string[] =>
      messages.map((m) => Buffer.from(m).toString('hex'));
    expect(asText(drain(incoming(), net.now))).toEqual(asText(sent));
    expect(asText(drain(connection, net.now))).toEqual(asText(sent.filter((b) => b.length < 1000)));
    expect(connection.snp.isDelivered).toBe(true);
  });

  test('readable is told once per drain', () => {
    const { net, client, connection, incoming } = connected();
    const count = (): number => net.eventsB.filter(({ type }) => type === 'readable').length;
    const say = (): void => {
      connection.snp.send(net.now, Uint8Array.of(1), SendFlag.Reliable | SendFlag.NoNagle);
      client.touch(net.now, connection);
      pass(net, 200);
    };
    say();
    say();
    expect(count()).toBe(1);
    drain(incoming(), net.now);
    say();
    expect(count()).toBe(2);
  });

  test('packet numbers wrap on the wire without harm', () => {
    const open = {
      unencrypted: 3,
      sendRateMinBytesPerSecond: 1e6,
      sendRateMaxBytesPerSecond: 1e6,
    } as const;
    const { net, client, server, connection, incoming } = connected({
      clientOptions: open,
      serverOptions: open,
    });
    let received = 0;
    for (let i = 0; i < 66_000; i++) {
      const now = net.now + i / 10;
      connection.snp.send(now, Uint8Array.of(1), SendFlag.NoNagle);
      client.touch(now, connection);
      const packet = client.pollTransmit();
      if (packet !== undefined) server.handleDatagram(now, 'a', packet.bytes);
      if (incoming().receive(now) !== undefined) received += 1;
      server.handleTimeout(now);
      const answer = server.pollTransmit();
      if (answer !== undefined) client.handleDatagram(now, 'b', answer.bytes);
    }
    expect(received).toBe(66_000);
    expect(incoming().numbers.newest).toBeGreaterThan(65_536);
  });
});

describe('closing', () => {
  test('the peer learns reason and text; the closer is gone when it knows that', () => {
    const { net, client, server, connection, incoming } = connected();
    connection.close(net.now, 1234, 'enough');
    client.touch(net.now, connection);
    pass(net, 15);
    expect(connection.state).toBe('finWait');
    pass(net, 100);
    expect(incoming()).toMatchObject({ endReason: 1234, endDebug: 'enough' });
    expect(net.eventsB.at(-2)).toMatchObject({ change: { state: 'closedByPeer', reason: 1234 } });
    expect(connection.state).toBe('dead');
    pass(net, 5_100);
    expect([client.connectionCount, server.connectionCount]).toEqual([0, 0]);
  });

  test('a closer that nobody answers stays 5 s', () => {
    const { net, client, connection } = connected();
    const cut = new SimNetwork(client, silent, { latencyMs: 10 }, 1, net.now);
    connection.close(net.now);
    client.touch(net.now, connection);
    cut.run(net.now + 4_900);
    expect(connection.state).toBe('finWait');
    cut.run(net.now + 5_100);
    expect(connection.state).toBe('dead');
  });

  test('reasons outside the application’s ranges become 1000, texts are cut at 127 characters', () => {
    const { net, client, connection, incoming } = connected();
    connection.close(net.now, 4001, 'x'.repeat(200));
    client.touch(net.now, connection);
    pass(net, 100);
    expect(incoming()).toMatchObject({ endReason: 1000, endDebug: 'x'.repeat(127) });
  });

  test('linger delivers what is reliable before it closes', () => {
    const { net, client, connection, incoming } = connected({ link: { loss: 0.2 }, seed: 4 });
    for (let i = 0; i < 50; i++)
      connection.snp.send(net.now, new Uint8Array(900).fill(i), SendFlag.Reliable);
    connection.close(net.now, 1001, 'done', true);
    client.touch(net.now, connection);
    expect(connection.state).toBe('linger');
    const got: Uint8Array[] = [];
    for (let t = 0; t < 100; t++) {
      pass(net, 100);
      got.push(...drain(incoming(), net.now));
    }
    expect(got.map((m) => m[0])).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(incoming()).toMatchObject({ endReason: 1001, endDebug: 'done' });
  });

  test('who is told not to linger any more closes at once, and says so', () => {
    const { net, client, connection, incoming } = connected();
    connection.stopLingering(net.now);
    expect(connection.state).toBe('connected');
    connection.snp.send(net.now, new Uint8Array(50_000), SendFlag.Reliable);
    connection.close(net.now, 1001, 'done', true);
    client.touch(net.now, connection);
    expect(connection.state).toBe('linger');
    connection.stopLingering(net.now);
    client.touch(net.now, connection);
    expect(connection.state).toBe('finWait');
    pass(net, 100);
    expect(incoming()).toMatchObject({ endReason: 1001, endDebug: 'done' });
  });

  test('a peer that vanishes: 5003 about 10 s after the first answer that did not come', () => {
    const conditions = { latencyMs: 10, loss: 0 };
    const { net, client, connection } = connected({ link: conditions });
    const at = net.now;
    connection.snp.send(at, Uint8Array.of(1), SendFlag.Reliable);
    const cut = new SimNetwork(client, silent, { latencyMs: 10 }, 1, at);
    client.touch(at, connection);
    cut.run(at + 9_900);
    expect(connection.state).toBe('connected');
    cut.run(at + 12_500);
    expect(connection).toMatchObject({ state: 'finWait', endReason: EndReason.MiscTimeout });
  });

  test('an hour of silence keeps the connection, by keepalives every 10 s', () => {
    const { net, connection, incoming } = connected();
    pass(net, 3_600_000);
    expect([connection.state, incoming().state]).toEqual(['connected', 'connected']);
    const sent = connection.stats.packetsSent + incoming().stats.packetsSent;
    expect(sent).toBeGreaterThan(300);
    expect(sent).toBeLessThan(2000);
  });

  test('a lost close is told again', () => {
    const { net, client, connection, incoming } = connected({ link: { loss: 0.5 }, seed: 21 });
    connection.close(net.now, 1000, 'bye');
    client.touch(net.now, connection);
    pass(net, 2_500);
    expect(incoming().endDebug).toBe('bye');
  });

  test('a client that ended may come back from the same port at once', () => {
    const { net, client, server, connection, incoming } = connected();
    connection.close(net.now);
    client.touch(net.now, connection);
    pass(net, 100);
    expect(incoming().state).toBe('finWait');
    const again = endpoint(selfMadeIdentity(crypto, 'str:alice'), {});
    const second = again.connect(net.now, 'b');
    const rejoined = new SimNetwork(again, server, { latencyMs: 10 }, 1, net.now);
    rejoined.run(net.now + 100);
    const event = rejoined.eventsB.find(({ type }) => type === 'incoming');
    if (event) server.accept(rejoined.now, event.connection);
    pass(rejoined, 1000);
    expect(second.state).toBe('connected');
  });
});

describe('stats', () => {
  test('both sides tell each other how they fare', () => {
    const { net, client, connection, incoming } = connected({ link: { loss: 0.1 }, seed: 2 });
    for (let i = 0; i < 600; i++) {
      connection.snp.send(net.now, new Uint8Array(100), SendFlag.NoNagle);
      client.touch(net.now, connection);
      pass(net, 100);
      drain(incoming(), net.now);
    }
    expect(incoming().stats.quality).toBeGreaterThan(0.8);
    expect(incoming().stats.quality).toBeLessThan(1);
    const remote = connection.stats.remote;
    expect(remote?.inPacketsPerSecond).toBeCloseTo(9, -1);
    expect(remote?.packetsDropped).toBeGreaterThan(0);
  });
});
