import { createHash, createHmac } from 'node:crypto';
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
  BINDING_METHOD,
  decodeStun,
  encodeStun,
  findAttribute,
  integrityOf,
  PasswordAlgorithm,
  StunAttributeType,
  StunClass,
} from '../../stun/index.ts';
import { seededBytes } from '../../testing/index.ts';
import {
  AddressFamily,
  addressFamily,
  decodeLifetime,
  evenPort,
  lifetime,
  requestedTransport,
  TRANSPORT_UDP,
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
const newRig = (options: Partial<TurnServerOptions> = {}): TurnRig =>
  new TurnRig(rigCrypto(), options);

const peer = { host: '9.9.9.9', port: 777 };
const hello = utf8('hello');

function channelData(channel: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length);
  writeChannelData(bytes, 0, channel, payload, false);
  return bytes;
}

describe('authentication: RFC 8489 §9.2.4', () => {
  test('without a MAC: 401, short, without a word, and nothing is kept', () => {
    const rig = newRig();
    const client = rig.client();
    const request = client.encode(TurnMethod.Allocate, [requestedTransport(TRANSPORT_UDP)]);
    const challenge = client.askOnce(request);
    expect(challenge && codeOf(challenge)).toBe(401);
    expect(encodeStun(challenge ?? decodeStun(request)).length).toBeLessThanOrEqual(88);
    expect(challenge?.attributes.map(({ type }) => type)).toEqual([
      StunAttributeType.ErrorCode,
      StunAttributeType.Realm,
      StunAttributeType.Nonce,
      StunAttributeType.PasswordAlgorithms,
    ]);
    expect(rig.server.stats().allocations).toBe(0);
    expect(rig.server.pollTimeout()).toBeUndefined();
    expect(rig.listener.allocations.size).toBe(0);
  });

  test.each([PasswordAlgorithm.Md5, PasswordAlgorithm.Sha256])(
    'password algorithm %i: the answer has the same MAC',
    (algorithm) => {
      const client = newRig().client();
      client.algorithm = algorithm;
      const answer = client.allocate();
      expect(codeOf(answer)).toBe(0);
      expect(integrityOf(answer)).toBe(algorithm === PasswordAlgorithm.Md5 ? 'sha1' : 'sha256');
    },
  );

  test('a wrong password and an unknown name get the same answer', () => {
    const rig = newRig();
    const wrong = rig.client();
    wrong.password = 'guess';
    const nobody = rig.client('1.2.3.4', 40_001, 'nobody');
    expect(codeOf(wrong.allocate())).toBe(401);
    expect(codeOf(nobody.allocate())).toBe(401);
  });

  test('a nonce is one client’s, for one hour', () => {
    const rig = newRig();
    const client = rig.client();
    expect(codeOf(client.allocate())).toBe(0);
    const thief = rig.client('1.2.3.5');
    thief.nonce = client.nonce;
    expect(codeOf(thief.allocate())).toBe(438);
    const samePort = rig.client('1.2.3.4', 40_001);
    samePort.nonce = client.nonce;
    expect(codeOf(samePort.allocate())).toBe(438);
    const refresh = [lifetime(3600)];
    expect(codeOf(client.ask(TurnMethod.Refresh, refresh))).toBe(0);
    rig.advance(3_590_000);
    expect(codeOf(client.ask(TurnMethod.Refresh, refresh))).toBe(0);
    rig.advance(11_000);
    const stale = client.ask(TurnMethod.Refresh, refresh);
    expect(codeOf(stale)).toBe(438);
    client.learn(stale);
    expect(codeOf(client.ask(TurnMethod.Refresh, refresh))).toBe(0);
  });

  test('a MAC without name, realm or nonce is a bad request; so is half a choice of algorithm', () => {
    const rig = newRig();
    const client = rig.client();
    client.allocate();
    const mac = { type: StunAttributeType.MessageIntegrity, value: new Uint8Array(20) };
    const bare = {
      class: StunClass.Request,
      method: TurnMethod.Refresh,
      transactionId: client.nextId(),
    };
    const answer = client.askOnce(encodeStun({ ...bare, attributes: [mac] }));
    expect(answer && codeOf(answer)).toBe(400);
    const half = { type: StunAttributeType.PasswordAlgorithm, value: Uint8Array.of(0, 2, 0, 0) };
    expect(codeOf(client.ask(TurnMethod.Refresh, [half]))).toBe(400);
  });

  test('a bid down is refused: the list of algorithms must come back as it was offered', () => {
    const client = newRig().client();
    client.allocate();
    const list = { type: StunAttributeType.PasswordAlgorithms, value: Uint8Array.of(0, 1, 0, 0) };
    const choice = { type: StunAttributeType.PasswordAlgorithm, value: Uint8Array.of(0, 1, 0, 0) };
    expect(codeOf(client.ask(TurnMethod.Refresh, [list, choice]))).toBe(400);
  });

  test('another name on the allocation’s 5-tuple: 441', () => {
    const client = newRig().client();
    client.allocate();
    client.username = 'bob';
    expect(codeOf(client.ask(TurnMethod.Refresh, []))).toBe(441);
  });

  test('challenges to one address are capped; another address is not affected', () => {
    const rig = newRig({ limits: { challengesPerSecond: 5 } });
    const knock = (host: string, port: number): boolean =>
      rig.client(host, port).askOnce(rig.client(host, port).encode(TurnMethod.Allocate, [])) !==
      undefined;
    const answered = Array.from({ length: 100 }, (_, i) => knock('1.2.3.4', 1000 + i));
    expect(answered.filter(Boolean)).toHaveLength(10);
    expect(knock('1.2.3.5', 1)).toBe(true);
    // IPv6: by /64
    const six = Array.from({ length: 20 }, (_, i) => knock(`2600:1:2:3::${i + 1}`, 1));
    expect(six.filter(Boolean)).toHaveLength(10);
    rig.advance(1000);
    expect(knock('1.2.3.4', 1)).toBe(true);
  });

  test('who guesses too often is not even checked; one who has an allocation goes on', () => {
    let checked = 0;
    const rig = newRig({
      limits: { challengesPerSecond: 5 },
      accountOf: (username) => {
        checked++;
        return { player: username, password: 'pw' };
      },
    });
    const client = rig.client();
    client.allocate();
    const guesser = rig.client('1.2.3.4', 666, 'alice');
    guesser.password = 'guess';
    guesser.nonce = client.nonce;
    checked = 0;
    for (let i = 0; i < 100; i++) guesser.askOnce(guesser.encode(TurnMethod.Allocate, []));
    expect(checked).toBeLessThanOrEqual(10);
    expect(codeOf(client.ask(TurnMethod.Refresh, []))).toBe(0);
  });

  test('an account that is gone keeps its allocation, and gets no other', () => {
    let isGone = false;
    const rig = newRig({
      accountOf: () => (isGone ? undefined : { player: 'p', session: 's', password: 'pw' }),
    });
    const client = rig.client();
    client.allocate();
    isGone = true;
    expect(codeOf(client.ask(TurnMethod.Refresh, []))).toBe(0);
    expect(codeOf(rig.client('1.2.3.4', 40_001).allocate())).toBe(401);
    rig.server.endSession(rig.now, 's');
    rig.pump();
    expect(rig.opened).toHaveLength(0);
    expect(codeOf(client.ask(TurnMethod.Refresh, []))).toBe(401);
  });
});

describe('Binding', () => {
  test('32 bytes for IPv4, and only so many a second to one address', () => {
    const rig = newRig({ limits: { bindingsPerSecond: 2 } });
    const request = encodeStun({
      class: StunClass.Request,
      method: BINDING_METHOD,
      transactionId: new Uint8Array(12),
      attributes: [],
    });
    const answers = Array.from({ length: 9 }, () => rig.client().askOnce(request));
    expect(answers.filter(Boolean)).toHaveLength(2);
    expect(answers[0] && encodeStun(answers[0])).toHaveLength(32);
  });
});

describe('Allocate: RFC 8656 §7', () => {
  test('gives a relayed address, the client’s own, and a lifetime', () => {
    const rig = newRig();
    const answer = rig.client().allocate();
    const { host, port } = relayedAddress(answer);
    expect(host).toBe('8.8.4.4');
    expect(port).toBeGreaterThanOrEqual(5000);
    expect(port).toBeLessThanOrEqual(5063);
    expect(rig.opened).toMatchObject([{ bindHost: '10.0.0.5', port }]);
    const seconds = findAttribute(answer, TurnAttributeType.Lifetime) ?? new Uint8Array();
    expect(decodeLifetime(seconds)).toBe(600);
  });

  test.each([
    ['no transport', [], 400],
    ['TCP', [requestedTransport(6)], 442],
    [
      'an unknown family',
      [requestedTransport(17), family(TurnAttributeType.RequestedAddressFamily, 3)],
      440,
    ],
    [
      'both families and one',
      [
        requestedTransport(17),
        addressFamily(TurnAttributeType.RequestedAddressFamily, AddressFamily.Ipv4),
        addressFamily(TurnAttributeType.AdditionalAddressFamily, AddressFamily.Ipv6),
      ],
      400,
    ],
    [
      'IPv4 in addition',
      [requestedTransport(17), family(TurnAttributeType.AdditionalAddressFamily, 1)],
      400,
    ],
    ['a token and EVEN-PORT', [requestedTransport(17), evenPort(false), token()], 400],
    ['a token of nobody', [requestedTransport(17), token()], 508],
    [
      'a pair in two families',
      [
        requestedTransport(17),
        evenPort(true),
        addressFamily(TurnAttributeType.AdditionalAddressFamily, 2),
      ],
      400,
    ],
    ['what is not known', [requestedTransport(17), { type: 0x7ffe, value: new Uint8Array() }], 420],
    [
      'a cut attribute',
      [{ type: TurnAttributeType.RequestedTransport, value: new Uint8Array(2) }],
      400,
    ],
  ])('%s: refused', (_, attributes, code) => {
    expect(codeOf(newRig().client().ask(TurnMethod.Allocate, attributes))).toBe(code);
  });

  test('the same request again gets the same answer; another one on the 5-tuple 437', () => {
    const rig = newRig();
    const client = rig.client();
    client.ask(TurnMethod.Allocate, []);
    const request = client.encode(TurnMethod.Allocate, [requestedTransport(TRANSPORT_UDP)]);
    const first = client.askOnce(request);
    expect(client.askOnce(request)).toEqual(first);
    expect(rig.opened).toHaveLength(1);
    expect(codeOf(client.allocate())).toBe(437);
  });

  test('without an allocation everything else gets 437', () => {
    const client = newRig().client();
    expect(codeOf(client.ask(TurnMethod.Refresh, []))).toBe(437);
    expect(codeOf(client.permit(peer))).toBe(437);
    expect(codeOf(client.bind(0x4000, peer))).toBe(437);
  });

  test('EVEN-PORT with the next one reserved: its token gives that port, once, to the same player', () => {
    const rig = newRig();
    const answer = rig.client().allocate(evenPort(true));
    const { port } = relayedAddress(answer);
    expect(port % 2).toBe(0);
    const value = findAttribute(answer, TurnAttributeType.ReservationToken) ?? new Uint8Array();
    const redeem = { type: TurnAttributeType.ReservationToken, value };
    expect(codeOf(rig.client('1.2.3.4', 40_001, 'bob').allocate(redeem))).toBe(508);
    expect(relayedAddress(rig.client('1.2.3.4', 40_002).allocate(redeem)).port).toBe(port + 1);
    expect(codeOf(rig.client('1.2.3.4', 40_003).allocate(redeem))).toBe(508);
  });

  test('a reservation that nobody comes for ends after 30 s, and the port rests', () => {
    const rig = newRig({ ports: { min: 5000, max: 5001 } });
    const answer = rig.client().allocate(evenPort(true));
    const value = findAttribute(answer, TurnAttributeType.ReservationToken) ?? new Uint8Array();
    rig.advance(31_000);
    const late = { type: TurnAttributeType.ReservationToken, value };
    expect(codeOf(rig.client('1.2.3.4', 40_001).allocate(late))).toBe(508);
    expect(codeOf(rig.client('1.2.3.4', 40_001).allocate())).toBe(508);
    rig.advance(31_000);
    expect(relayedAddress(rig.client('1.2.3.4', 40_001).allocate()).port).toBe(5001);
  });

  test('two families: both addresses in one answer; one that cannot be had is named', () => {
    const both = addressFamily(TurnAttributeType.AdditionalAddressFamily, AddressFamily.Ipv6);
    const rig = newRig();
    const answer = rig.client().allocate(both);
    const relayed = answer.attributes.filter((a) => a.type === TurnAttributeType.XorRelayedAddress);
    expect(relayed.map(({ value }) => value.length)).toEqual([8, 20]);
    const draft = {
      type: TurnAttributeType.DraftAdditionalAddressFamily,
      value: Uint8Array.of(2, 0, 0, 0),
    };
    const old = rig.client('1.2.3.4', 40_002).allocate(draft).attributes;
    expect(old.filter((a) => a.type === TurnAttributeType.XorRelayedAddress)).toHaveLength(2);
    const only4 = newRig({
      relays: [{ family: AddressFamily.Ipv4, bindHost: '10.0.0.5', host: '10.0.0.5' }],
    });
    const half = only4.client().allocate(both);
    expect(codeOf(half)).toBe(0);
    expect(findAttribute(half, TurnAttributeType.AddressErrorCode)).toEqual(
      Uint8Array.of(2, 0, 4, 40),
    );
    const six = addressFamily(TurnAttributeType.RequestedAddressFamily, AddressFamily.Ipv6);
    expect(codeOf(only4.client('1.2.3.4', 40_001).allocate(six))).toBe(440);
    expect(relayedAddress(rig.client('1.2.3.4', 40_001).allocate(six)).host).toBe('2600::5');
  });

  test('a port that another program holds is skipped; when all are held: 508, and nothing stays', () => {
    const rig = newRig({ ports: { min: 5000, max: 5003 } });
    for (const port of [5000, 5001, 5002]) rig.takenPorts.add(port);
    expect(relayedAddress(rig.client().allocate()).port).toBe(5003);
    const full = rig.client('1.2.3.4', 40_001);
    expect(codeOf(full.allocate())).toBe(508);
    expect(rig.server.stats().allocations).toBe(1);
    expect(rig.server.usage()).toMatchObject([{ player: 'alice', allocations: 1 }]);
  });

  test('quotas: by player, by address, and a player’s share is free again when it is used no more', () => {
    const rig = newRig({ limits: { allocationsPerPlayer: 2, allocationsPerAddress: 3 } });
    const at = (port: number, name: string): RigClient => rig.client('1.2.3.4', port, name);
    const first = at(1, 'alice');
    expect(codeOf(first.allocate())).toBe(0);
    expect(codeOf(at(2, 'alice').allocate())).toBe(0);
    expect(codeOf(at(3, 'alice').allocate())).toBe(486);
    expect(codeOf(at(4, 'bob').allocate())).toBe(0);
    expect(codeOf(at(5, 'bob').allocate())).toBe(486);
    expect(codeOf(rig.client('1.2.3.5', 5, 'bob').allocate())).toBe(0);
    expect(codeOf(first.ask(TurnMethod.Refresh, [lifetime(0)]))).toBe(0);
    expect(codeOf(at(6, 'alice').allocate())).toBe(0);
  });
});

describe('Refresh and the end: RFC 8656 §8', () => {
  test.each([
    [0, 0],
    [1, 600],
    [700, 700],
    [86_400, 3600],
  ])('%i seconds asked, %i given', (asked, given) => {
    const client = newRig().client();
    client.allocate();
    const answer = client.ask(TurnMethod.Refresh, [lifetime(asked)]);
    const value = findAttribute(answer, TurnAttributeType.Lifetime) ?? new Uint8Array();
    expect(decodeLifetime(value)).toBe(given);
  });

  test('an allocation ends on time, its socket is closed, its port rests, and nothing goes through', () => {
    const rig = newRig({ ports: { min: 5000, max: 5000 } });
    const client = rig.client();
    client.allocate();
    client.bind(0x4000, peer);
    const [relay] = rig.opened;
    if (!relay) throw new Error('no relay');
    rig.advance(600_000);
    client.send(channelData(0x4000, hello));
    rig.fromPeer(relay, peer.host, peer.port, hello);
    expect(rig.toPeers).toEqual([]);
    expect(client.received()).toEqual([]);
    rig.advance(1000);
    expect(rig.opened).toEqual([]);
    const next = rig.client('5.6.7.8', 1, 'bob');
    expect(codeOf(next.allocate())).toBe(508);
    rig.advance(30_000);
    expect(codeOf(next.allocate())).toBe(0);
    // What was meant for the one before is nobody's: no permission, no delivery.
    rig.fromPeer(rig.opened[0] ?? relay, peer.host, peer.port, hello);
    expect(next.received()).toEqual([]);
  });

  test('one of two families can be given up; one that is not there gets 443', () => {
    const rig = newRig();
    const client = rig.client();
    client.allocate(addressFamily(TurnAttributeType.AdditionalAddressFamily, AddressFamily.Ipv6));
    const six = addressFamily(TurnAttributeType.RequestedAddressFamily, AddressFamily.Ipv6);
    expect(codeOf(client.ask(TurnMethod.Refresh, [lifetime(0), six]))).toBe(0);
    expect(rig.opened.map((relay) => relay.family)).toEqual([AddressFamily.Ipv4]);
    expect(codeOf(client.ask(TurnMethod.Refresh, [six]))).toBe(443);
  });

  test('a connection that ends takes its allocation with it', () => {
    const rig = newRig();
    const stream = rig.server.openClientSocket(true);
    const client = new RigClient(rig, stream, '1.2.3.4', 9, 'alice');
    expect(codeOf(client.allocate())).toBe(0);
    rig.server.closeClientSocket(rig.now, stream);
    rig.pump();
    expect(rig.opened).toEqual([]);
    expect(rig.server.stats().allocations).toBe(0);
  });

  test('a banned player’s allocations end at once', () => {
    const rig = newRig();
    rig.client().allocate();
    rig.client('1.2.3.4', 1, 'bob').allocate();
    rig.server.endPlayer(rig.now, 'alice');
    rig.pump();
    expect(rig.opened.map(({ allocation }) => allocation.username)).toEqual(['bob']);
  });
});

function family(
  type:
    | typeof TurnAttributeType.RequestedAddressFamily
    | typeof TurnAttributeType.AdditionalAddressFamily,
  number: number,
): { type: number; value: Uint8Array } {
  return { type, value: Uint8Array.of(number, 0, 0, 0) };
}

function token(): { type: number; value: Uint8Array } {
  return { type: TurnAttributeType.ReservationToken, value: new Uint8Array(8) };
}
