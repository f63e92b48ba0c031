import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  codeOf,
  RigClient,
  type RigCrypto,
  relayedAddress,
  TurnRig,
} from '../../../test/turn-rig.ts';
import { utf8 } from '../../base/index.ts';
import {
  decodeStun,
  decodeXorMappedAddress,
  encodeStun,
  findAttribute,
  StunClass,
} from '../../stun/index.ts';
import { seededBytes } from '../../testing/index.ts';
import {
  AddressFamily,
  addressFamily,
  channelOf,
  channelPayload,
  TurnAttributeType,
  TurnMethod,
  writeChannelData,
} from '../index.ts';
import type { TurnServerOptions } from './options.ts';

const hash = (name: string) => (bytes: Uint8Array) =>
  new Uint8Array(createHash(name).update(bytes).digest());
const hmac = (name: string) => (key: Uint8Array, bytes: Uint8Array) =>
  new Uint8Array(createHmac(name, key).update(bytes).digest());
const rigCrypto = (): RigCrypto => ({
  md5: hash('md5'),
  sha256: hash('sha256'),
  hmacSha1: hmac('sha1'),
  hmacSha256: hmac('sha256'),
  randomBytes: seededBytes(7),
});

const peer = { host: '9.9.9.9', port: 777 };
const peer6 = { host: '2607:f8b0::1', port: 777 };
const hello = utf8('hello');

interface Allocated {
  readonly rig: TurnRig;
  readonly client: RigClient;
}

function allocated(options: Partial<TurnServerOptions> = {}): Allocated {
  const rig = new TurnRig(rigCrypto(), options);
  const client = rig.client();
  client.allocate(addressFamily(TurnAttributeType.AdditionalAddressFamily, AddressFamily.Ipv6));
  return { rig, client };
}

function channelData(channel: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length);
  writeChannelData(bytes, 0, channel, payload, false);
  return bytes;
}

describe('permissions: RFC 8656 §9, §10', () => {
  test.each([peer, peer6])(
    '$host: a Send indication goes out, its answer comes in as Data',
    (to) => {
      const { rig, client } = allocated();
      expect(codeOf(client.permit(to))).toBe(0);
      client.sendIndication(to, hello);
      expect(rig.toPeers).toMatchObject([{ host: to.host, port: 777, bytes: hello }]);
      const relay = rig.toPeers[0]?.relay;
      if (!relay) throw new Error('nothing left');
      rig.fromPeer(relay, to.host, 4321, hello); // any port of a permitted address
      const [bytes = new Uint8Array()] = client.received();
      const message = decodeStun(bytes);
      expect(message).toMatchObject({ class: StunClass.Indication, method: TurnMethod.Data });
      const from = findAttribute(message, TurnAttributeType.XorPeerAddress) ?? new Uint8Array();
      expect(decodeXorMappedAddress(from, message.transactionId)).toEqual({ ...to, port: 4321 });
      expect(findAttribute(message, TurnAttributeType.Data)).toEqual(hello);
    },
  );

  test('without one nothing goes through, either way', () => {
    const { rig, client } = allocated();
    client.sendIndication(peer, hello);
    client.sendIndication(peer6, hello);
    for (const relay of rig.opened) rig.fromPeer(relay, peer.host, peer.port, hello);
    expect(rig.toPeers).toEqual([]);
    expect(client.received()).toEqual([]);
    expect(rig.server.stats().unpermitted).toBe(4);
  });

  test('it ends after five minutes, unless it is asked for again', () => {
    const { rig, client } = allocated();
    client.permit(peer);
    rig.advance(299_000);
    client.sendIndication(peer, hello);
    expect(rig.toPeers).toHaveLength(1);
    rig.advance(1000);
    client.sendIndication(peer, hello);
    expect(rig.toPeers).toHaveLength(1);
    client.permit(peer);
    client.sendIndication(peer, hello);
    expect(rig.toPeers).toHaveLength(2);
  });

  test('all or none: one forbidden peer among others', () => {
    const { rig, client } = allocated();
    expect(codeOf(client.permit(peer, { host: '10.9.9.9', port: 1 }))).toBe(403);
    client.sendIndication(peer, hello);
    expect(rig.toPeers).toEqual([]);
    expect(codeOf(client.permit())).toBe(400);
  });

  test('a peer of a family that the allocation has not: 443', () => {
    const rig = new TurnRig(rigCrypto());
    const client = rig.client();
    client.allocate();
    expect(codeOf(client.permit(peer6))).toBe(443);
    expect(codeOf(client.bind(0x4000, peer6))).toBe(443);
  });

  test('only so many', () => {
    const { client } = allocated({ limits: { permissionsPerAllocation: 2 } });
    expect(codeOf(client.permit({ host: '9.9.9.1', port: 1 }, { host: '9.9.9.2', port: 1 }))).toBe(
      0,
    );
    expect(codeOf(client.permit({ host: '9.9.9.3', port: 1 }))).toBe(508);
    expect(codeOf(client.permit({ host: '9.9.9.2', port: 2 }))).toBe(0);
  });
});

describe('forbidden peers, on every path', () => {
  const forbidden = [
    ...['127.0.0.1', '0.0.0.0', '169.254.169.254', '10.0.0.1', '224.0.0.1', '255.255.255.255'],
    ...['::1', '::', '::ffff:127.0.0.1', '::ffff:169.254.169.254', '::127.0.0.1', 'fe80::1'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::', 'ff02::1', 'fc00::1'],
  ];

  test.each(forbidden)('%s', (host) => {
    const { rig, client } = allocated();
    expect(codeOf(client.permit({ host, port: 80 }))).toBe(403);
    expect(codeOf(client.bind(0x4000, { host, port: 80 }))).toBe(403);
    client.sendIndication({ host, port: 80 }, hello);
    client.send(channelData(0x4000, hello));
    expect(rig.toPeers).toEqual([]);
  });

  test('an address of this machine: its ports are not to be had, relayed addresses in use are', () => {
    const { rig, client } = allocated();
    const other = rig.client('1.2.3.5', 1, 'bob');
    const address = relayedAddress(other.allocate());
    expect(codeOf(client.bind(0x4000, { host: '8.8.4.4', port: 3478 }))).toBe(403);
    expect(codeOf(client.bind(0x4000, { host: '8.8.4.4', port: 22 }))).toBe(403);
    expect(codeOf(client.bind(0x4000, address))).toBe(0);
    expect(codeOf(client.permit({ host: '8.8.4.4', port: 22 }))).toBe(0); // of addresses, not ports
    for (const port of [22, 3478, 5000, 5063].filter((p) => p !== address.port)) {
      client.sendIndication({ host: '8.8.4.4', port }, hello);
    }
    expect(rig.toPeers).toEqual([]);
  });

  test('an own address that the operator opened: what is listened on stays closed', () => {
    const { rig, client } = allocated({ allowPeers: ['10.0.0.5/32'] });
    expect(codeOf(client.bind(0x4000, { host: '10.0.0.5', port: 3478 }))).toBe(403);
    expect(codeOf(client.bind(0x4000, { host: '10.0.0.5', port: 9000 }))).toBe(0);
    client.sendIndication({ host: '10.0.0.5', port: 3478 }, hello);
    expect(rig.toPeers).toEqual([]);
    client.sendIndication({ host: '10.0.0.5', port: 9000 }, hello);
    expect(rig.toPeers).toHaveLength(1);
  });

  test('port 0 is nobody’s: no socket is asked to send there', () => {
    const { rig, client } = allocated();
    expect(codeOf(client.bind(0x4000, { ...peer, port: 0 }))).toBe(403);
    client.permit(peer);
    client.sendIndication({ ...peer, port: 0 }, hello);
    const zero = new RigClient(rig, rig.listener, '1.2.3.4', 0, 'alice');
    zero.send(zero.encode(TurnMethod.Allocate, []));
    expect(rig.toPeers).toEqual([]);
    expect(rig.toClients).toEqual([]);
  });
});

describe('two allocations of one server', () => {
  test('reach each other without a datagram, each under its relayed address', () => {
    const { rig, client } = allocated();
    const bob = rig.client('1.2.3.5', 1, 'bob');
    const toBob = relayedAddress(bob.allocate());
    const [mine] = rig.opened;
    if (!mine) throw new Error('no relay');
    client.bind(0x4000, toBob);
    client.send(channelData(0x4000, hello));
    expect(bob.received()).toEqual([]); // bob has not permitted it
    bob.bind(0x4001, { host: mine.host, port: mine.port });
    client.send(channelData(0x4000, hello));
    const [data = new Uint8Array()] = bob.received();
    expect([channelOf(data), channelPayload(data)]).toEqual([0x4001, hello]);
    bob.send(channelData(0x4001, utf8('back')));
    expect(client.received().map(channelPayload)).toEqual([utf8('back')]);
    expect(rig.toPeers).toEqual([]);
  });
});

describe('channels: RFC 8656 §12', () => {
  test('data goes both ways with four bytes of header; padding in a datagram is not sent on', () => {
    const { rig, client } = allocated();
    expect(codeOf(client.bind(0x4000, peer))).toBe(0);
    client.send(channelData(0x4000, hello));
    client.send(Uint8Array.of(...channelData(0x4000, hello), 1, 2, 3));
    client.send(channelData(0x4000, new Uint8Array()));
    expect(rig.toPeers.map(({ bytes }) => bytes)).toEqual([hello, hello, new Uint8Array()]);
    const relay = rig.toPeers[0]?.relay;
    if (!relay) throw new Error('nothing left');
    rig.fromPeer(relay, peer.host, peer.port, hello);
    expect(client.received()).toEqual([channelData(0x4000, hello)]);
    rig.fromPeer(relay, peer.host, 778, hello); // permitted, but not the channel's port
    expect(decodeStun(client.received()[0] ?? hello).method).toBe(TurnMethod.Data);
  });

  test('on a stream frames are padded with zeros', () => {
    const rig = new TurnRig(rigCrypto());
    const client = new RigClient(rig, rig.server.openClientSocket(true), '1.2.3.4', 9, 'alice');
    client.allocate();
    client.bind(0x4000, peer);
    const [relay] = rig.opened;
    if (!relay) throw new Error('no relay');
    rig.fromPeer(relay, peer.host, peer.port, hello);
    expect(client.received()).toEqual([Uint8Array.of(...channelData(0x4000, hello), 0, 0, 0)]);
  });

  test('a frame that a socket holds is not written over; one that has left may be', () => {
    const { rig, client } = allocated();
    client.bind(0x4000, peer);
    const [relay] = rig.opened;
    if (!relay) throw new Error('no relay');
    rig.fromPeer(relay, peer.host, peer.port, utf8('first'));
    const [first] = client.received();
    rig.server.settleTransmits(true);
    rig.fromPeer(relay, peer.host, peer.port, utf8('other'));
    const [other] = client.received();
    expect(first).toEqual(channelData(0x4000, utf8('first')));
    rig.server.settleTransmits(false);
    rig.fromPeer(relay, peer.host, peer.port, utf8('third'));
    expect(first).toEqual(channelData(0x4000, utf8('first')));
    expect(other).toEqual(channelData(0x4000, utf8('third')));
  });

  test.each([
    ['below the range', 0x3fff],
    ['above it', 0x8000],
  ])('a number %s: 400', (_, number) => {
    expect(codeOf(allocated().client.bind(number, peer))).toBe(400);
  });

  test('one number, one peer; the same pair again is a refresh', () => {
    const { rig, client } = allocated();
    expect(codeOf(client.bind(0x4000, peer))).toBe(0);
    expect(codeOf(client.bind(0x4000, { ...peer, port: 778 }))).toBe(400);
    expect(codeOf(client.bind(0x4001, peer))).toBe(400);
    rig.advance(400_000);
    expect(codeOf(client.bind(0x4000, peer))).toBe(0);
    rig.advance(199_000);
    client.send(channelData(0x4000, hello));
    expect(rig.toPeers).toHaveLength(1);
  });

  test('a binding ends after ten minutes; then the number is free', () => {
    const { rig, client } = allocated();
    client.bind(0x4000, peer);
    rig.advance(300_000);
    client.ask(TurnMethod.Refresh, []);
    rig.advance(299_000);
    client.send(channelData(0x4000, hello));
    expect(rig.toPeers).toHaveLength(1);
    rig.advance(1000);
    client.send(channelData(0x4000, hello));
    expect(rig.toPeers).toHaveLength(1);
    expect(codeOf(client.bind(0x4000, { ...peer, port: 778 }))).toBe(0);
  });

  test('only so many', () => {
    const { client } = allocated({ limits: { channelsPerAllocation: 1 } });
    client.bind(0x4000, peer);
    expect(codeOf(client.bind(0x4001, { ...peer, port: 1 }))).toBe(508);
  });
});

describe('limits of what goes through', () => {
  test('a player’s bandwidth, both directions together; another player is not affected', () => {
    const { rig, client } = allocated({ limits: { bytesPerSecondPerPlayer: 1000 } });
    const bob = rig.client('1.2.3.5', 1, 'bob');
    bob.allocate();
    bob.bind(0x4000, peer);
    client.bind(0x4000, peer);
    const packet = channelData(0x4000, new Uint8Array(100));
    for (let i = 0; i < 30; i++) client.send(packet);
    expect(rig.toPeers).toHaveLength(10);
    bob.send(packet);
    expect(rig.toPeers).toHaveLength(11);
    rig.advance(500);
    for (let i = 0; i < 30; i++) client.send(packet);
    expect(rig.toPeers).toHaveLength(16);
    expect(rig.server.stats().overBandwidth).toBe(45);
  });

  test('DONT-FRAGMENT: what does not fit is dropped, what fits goes', () => {
    const { rig, client } = allocated();
    client.permit(peer, peer6);
    const flag = { type: TurnAttributeType.DontFragment, value: new Uint8Array() };
    for (const [to, most] of [
      [peer, 1472],
      [peer6, 1452],
    ] as const) {
      rig.toPeers.length = 0;
      client.sendIndication(to, new Uint8Array(most), flag);
      client.sendIndication(to, new Uint8Array(most + 1), flag);
      client.sendIndication(to, new Uint8Array(most + 1));
      expect(rig.toPeers.map(({ bytes }) => bytes.length)).toEqual([most, most + 1]);
    }
  });
});

describe('hostile bytes', () => {
  test('nothing throws, nothing is let through, nothing is kept: before and after an allocation', () => {
    const { rig, client } = allocated();
    client.permit(peer);
    client.bind(0x4000, { ...peer, port: 778 });
    const id = client.nextId();
    const valid = [
      client.encode(TurnMethod.Refresh, [], id),
      encodeStun({ class: StunClass.Request, method: 3, transactionId: id, attributes: [] }),
      channelData(0x4000, hello),
    ];
    const mutated = fc
      .tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([whole, changes]) => {
        const copy = whole.slice();
        for (const [at, byte] of changes) copy[at % copy.length] = byte;
        return copy;
      });
    const cut = fc
      .tuple(fc.constantFrom(...valid), fc.nat())
      .map(([whole, at]) => whole.slice(0, at % whole.length));
    const noise = fc.uint8Array({ maxLength: 200 });
    const stunNoise = noise.map((tail) =>
      Uint8Array.of(0, 0x16, 0, tail.length & ~3, 0x21, 0x12, 0xa4, 0x42, ...tail),
    );
    const stranger = rig.client('6.6.6.6', 666);
    fc.assert(
      fc.property(fc.oneof(mutated, cut, noise, stunNoise), fc.boolean(), (bytes, isStranger) => {
        (isStranger ? stranger : client).send(bytes);
        const { length } = rig.toPeers;
        if (isStranger) expect(length).toBe(0);
        for (const { host } of rig.toPeers.splice(0)) expect(host).toBe(peer.host);
        rig.toClients.length = 0;
        rig.advance(60_000 / 1000);
      }),
      { numRuns: 2000 },
    );
    expect(rig.server.stats().allocations).toBeLessThanOrEqual(1);
    expect(rig.listener.allocations.has('6.6.6.6')).toBe(false);
  });

  test('a flood of strangers keeps memory flat', () => {
    const rig = new TurnRig(rigCrypto());
    for (let i = 0; i < 30_000; i++) {
      const stranger = rig.client(`9.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1000);
      stranger.send(stranger.encode(TurnMethod.Allocate, []));
      rig.toClients.length = 0;
    }
    expect(rig.listener.allocations.size).toBe(0);
    expect(rig.server.pollTimeout()).toBeUndefined();
    expect(codeOf(rig.client('8.8.8.8', 1).allocate())).toBe(0);
  });
});
