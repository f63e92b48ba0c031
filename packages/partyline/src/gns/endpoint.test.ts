import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CertStore, caKeyId, issueCaCert, issueCert } from '../cert/index.ts';
import { createNobleCrypto } from '../crypto/index.ts';
import { nobleSealing } from '../crypto/sealing/index.ts';
import { SendFlag } from '../snp/index.ts';
import { type LinkConditions, mulberry32, SimNetwork, seededBytes } from '../testing/index.ts';
import {
  type AddressKind,
  type EndpointOptions,
  EndReason,
  type GnsConnection,
  GnsEndpoint,
  type GnsEvent,
  type GnsOptions,
  type LocalIdentity,
  selfMadeIdentity,
} from './index.ts';

const crypto = { ...createNobleCrypto({ randomBytes: seededBytes(1) }), ...nobleSealing };
const EPOCH_MS = 1_767_225_600_000;

/** The simulated network's addresses are `a` and `b`. */
const simAddresses: AddressKind<string> = {
  table: <T>() => new Map<string, T>(),
  identity: (address) => `ip:10.0.0.${address.charCodeAt(0)}:1000`,
  isLoopback: () => false,
};

interface Pair {
  readonly net: SimNetwork<GnsEvent, GnsEvent>;
  readonly client: GnsEndpoint<string>;
  readonly server: GnsEndpoint<string>;
  readonly connection: GnsConnection;
  /** The server's side, once it was asked. */
  incoming(): GnsConnection;
}

interface PairOptions {
  readonly clientOptions?: GnsOptions;
  readonly serverOptions?: GnsOptions;
  readonly clientIdentity?: LocalIdentity;
  readonly serverIdentity?: LocalIdentity;
  readonly expect?: string;
  readonly link?: LinkConditions;
  readonly seed?: number;
  readonly endpoint?: EndpointOptions;
}

function endpoint(local: LocalIdentity, options: EndpointOptions): GnsEndpoint<string> {
  const random = mulberry32(1);
  const setup = { crypto: crypto, local, addresses: simAddresses, epochMs: EPOCH_MS, random };
  return new GnsEndpoint(setup, options);
}

function pair(options: PairOptions = {}): Pair {
  const { clientOptions = {}, serverOptions = {} } = options;
  const client = endpoint(options.clientIdentity ?? selfMadeIdentity(crypto, 'str:alice'), {
    connection: clientOptions,
  });
  const server = endpoint(options.serverIdentity ?? selfMadeIdentity(crypto, 'str:bob'), {
    connection: serverOptions,
    isListening: true,
    ...options.endpoint,
  });
  const expected = options.expect === undefined ? {} : { identity: options.expect };
  const connection = client.connect(0, 'b', expected);
  const net = new SimNetwork(client, server, { latencyMs: 10, ...options.link }, options.seed);
  const incoming = (): GnsConnection => {
    const event = net.eventsB.find(({ type }) => type === 'incoming');
    if (event === undefined) throw new Error('nobody came');
    return event.connection;
  };
  return { net, client, server, connection, incoming };
}

function connected(options: PairOptions = {}): Pair {
  const made = pair(options);
  while (!made.net.eventsB.some(({ type }) => type === 'incoming')) pass(made.net, 100);
  expect(made.server.accept(made.net.now, made.incoming())).toBe(true);
  for (let i = 0; i < 50 && made.connection.state === 'connecting'; i++) pass(made.net, 100);
  return made;
}

/** Time goes on even when nothing happens in it. */
function pass(net: SimNetwork<GnsEvent, GnsEvent | undefined>, ms: number): void {
  const until = net.now + ms;
  net.run(until);
  net.now = until;
}

function drain(connection: GnsConnection, now: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let m = connection.receive(now); m; m = connection.receive(now)) messages.push(m.bytes);
  return messages;
}

describe('connecting', () => {
  test('client and server know each other, and both are connected', () => {
    const { connection, incoming } = connected({ expect: 'str:bob' });
    expect(connection).toMatchObject({
      state: 'connected',
      remoteIdentity: 'str:bob',
      isVerified: false,
    });
    expect(incoming()).toMatchObject({ state: 'connected', remoteIdentity: 'str:alice' });
    expect(connection.remoteId).toBe(incoming().id);
    expect(connection.snp.roundTrip.smoothedMs).toBeCloseTo(20, 0);
  });

  test('anonymous peers are known by their address', () => {
    const anonymous = selfMadeIdentity(crypto, 'ip:::1');
    const { connection, incoming } = connected({
      clientIdentity: anonymous,
      serverIdentity: anonymous,
    });
    expect(connection.remoteIdentity).toBe('ip:10.0.0.98:1000');
    expect(incoming().remoteIdentity).toBe('ip:10.0.0.97:1000');
  });

  test('it connects through 40 % loss by asking again every 500 ms', () => {
    const { connection, incoming } = connected({ link: { loss: 0.4 }, seed: 11 });
    expect(incoming().state).toBe('connected');
    expect(connection.state).toBe('connected');
  });

  test('nobody answers: the attempt ends after 10 s with 5003', () => {
    const { net, connection } = pair({ link: { loss: 1 } });
    net.run(9_999);
    expect(connection.state).toBe('connecting');
    net.run(10_001);
    expect(connection).toMatchObject({ state: 'finWait', endReason: EndReason.MiscTimeout });
    expect(net.eventsA.map((e) => (e.type === 'stateChanged' ? e.change.state : e.type))).toEqual([
      'connecting',
      'problemDetectedLocally',
      'finWait',
    ]);
  });

  test('the application does not accept: both sides end after 10 s', () => {
    const { net, connection, incoming } = pair();
    net.run(11_000);
    expect([connection.endReason, incoming().endReason]).toEqual([5003, 5003]);
  });

  test('another identity than expected never connects, and the time-out says who was there', () => {
    const { net, server, connection, incoming } = pair({ expect: 'str:carol' });
    net.run(100);
    server.accept(net.now, incoming());
    net.run(11_000);
    expect(connection.endReason).toBe(EndReason.MiscTimeout);
    expect(connection.endDebug).toContain('the server is str:bob, not str:carol');
  });

  test('ciphers: NULL when both want it, refusal when they have none in common', () => {
    const open = connected({
      clientOptions: { unencrypted: 3 },
      serverOptions: { unencrypted: 2 },
    });
    expect(open.connection.isEncrypted).toBe(false);
    open.connection.snp.send(open.net.now, Uint8Array.of(1, 2), SendFlag.Reliable);
    open.client.touch(open.net.now, open.connection);
    pass(open.net, 100);
    expect(drain(open.incoming(), open.net.now)).toEqual([Uint8Array.of(1, 2)]);
    const none = pair({ clientOptions: { unencrypted: 3 } });
    none.net.run(100);
    expect(none.server.accept(none.net.now, none.incoming())).toBe(false);
    none.net.run(200);
    expect(none.connection.endReason).toBe(EndReason.RemoteBadCrypt);
  });
});

describe('certificates', () => {
  const caSeed = new Uint8Array(32).fill(7);
  const trustedCas = [crypto.ed25519PublicKey(caSeed)];
  const now = EPOCH_MS / 1000;

  function certified(identity: string, validSec: number, appIds = [0]): LocalIdentity {
    const seed = crypto.randomBytes(32);
    const publicKey = crypto.ed25519PublicKey(seed);
    const times = { timeCreatedSec: now - 100, timeExpirySec: now + validSec };
    const cert = issueCert(crypto, caSeed, { identity, publicKey, appIds, ...times });
    return { identity, seed, cert };
  }

  test('a trusted CA proves the peer', () => {
    const options = { trustedCas, allowWithoutAuth: 0 } as const;
    const { connection, incoming } = connected({
      clientIdentity: certified('str:alice', 60),
      serverIdentity: certified('str:bob', 60),
      clientOptions: options,
      serverOptions: options,
    });
    expect(connection.isVerified).toBe(true);
    expect(incoming().isVerified).toBe(true);
  });

  test.each([
    ['nobody signed it', selfMadeIdentity(crypto, 'str:alice')],
    ['it has expired', certified('str:alice', -1)],
  ])('where certificates are demanded, %s: 4003', (_why, clientIdentity) => {
    const serverOptions = { trustedCas, allowWithoutAuth: 0 } as const;
    const { net, connection } = pair({ clientIdentity, serverOptions });
    net.run(200);
    expect(connection).toMatchObject({ endReason: EndReason.RemoteBadCert });
    expect(net.eventsB).toEqual([]);
  });

  test('a chain proves the peer, until one of its keys is revoked in the running endpoint', () => {
    const rootSeed = new Uint8Array(32).fill(8);
    const publicKey = crypto.ed25519PublicKey(caSeed);
    const times = { timeCreatedSec: now - 100, timeExpirySec: now + 60 };
    const certStore = new CertStore(crypto, {
      roots: [crypto.ed25519PublicKey(rootSeed)],
      intermediates: [issueCaCert(crypto, rootSeed, { publicKey, appIds: [0], ...times })],
    });
    const setup = {
      clientIdentity: certified('str:alice', 60),
      serverOptions: { certStore, allowWithoutAuth: 0 },
    } as const;
    expect(connected(setup).incoming().isVerified).toBe(true);
    certStore.revoke(caKeyId(crypto, publicKey));
    const { net, connection } = pair(setup);
    net.run(200);
    expect(connection.endReason).toBe(EndReason.RemoteBadCert);
    expect(connection.endDebug).toContain('was revoked');
  });

  test.each([
    [1, 'certificate refused: it is not signed'],
    [2, undefined],
  ] as const)('policy %i takes a peer that nobody vouches for; the warning is %s', (allow, why) => {
    const { incoming } = connected({ serverOptions: { trustedCas, allowWithoutAuth: allow } });
    expect(incoming().remote).toMatchObject({ isVerified: false, warning: why });
  });

  test('a certificate for another app: 4003', () => {
    const { net, connection } = pair({ clientIdentity: certified('str:alice', 60, [480]) });
    net.run(200);
    expect(connection).toMatchObject({
      endReason: EndReason.RemoteBadCert,
      endDebug: 'certificate refused: it is not authorized for appid 0',
    });
  });

  test('a key that is not the certificate’s: 4002', () => {
    const alice = selfMadeIdentity(crypto, 'str:alice');
    const thief = { ...alice, seed: crypto.randomBytes(32) };
    const { net, connection } = pair({ clientIdentity: thief });
    net.run(200);
    expect(connection.endReason).toBe(EndReason.RemoteBadCrypt);
  });
});

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
  test('the peer learns reason and text; the closer stays 5 s and is gone', () => {
    const { net, client, server, connection, incoming } = connected();
    connection.close(net.now, 1234, 'enough');
    client.touch(net.now, connection);
    pass(net, 100);
    expect(incoming()).toMatchObject({ endReason: 1234, endDebug: 'enough' });
    expect(net.eventsB.at(-2)).toMatchObject({ change: { state: 'closedByPeer', reason: 1234 } });
    pass(net, 5_100);
    expect(connection.state).toBe('dead');
    expect([client.connectionCount, server.connectionCount]).toEqual([0, 0]);
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

  test('a peer that vanishes: 4001 about 10 s after the first answer that did not come', () => {
    const conditions = { latencyMs: 10, loss: 0 };
    const { net, client, connection } = connected({ link: conditions });
    const at = net.now;
    connection.snp.send(at, Uint8Array.of(1), SendFlag.Reliable);
    const silent = { ...idle };
    const cut = new SimNetwork(client, silent, { latencyMs: 10 }, 1, at);
    client.touch(at, connection);
    cut.run(at + 9_900);
    expect(connection.state).toBe('connected');
    cut.run(at + 12_500);
    expect(connection).toMatchObject({ state: 'finWait', endReason: EndReason.RemoteTimeout });
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

const idle = {
  handleDatagram: () => {},
  handleTimeout: () => {},
  pollTransmit: () => undefined,
  pollEvent: (): GnsEvent | undefined => undefined,
  pollTimeout: () => undefined,
};
