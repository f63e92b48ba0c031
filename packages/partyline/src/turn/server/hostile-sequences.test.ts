import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codeOf, type RigClient, relayedAddress, TurnRig } from '../../../test/turn-rig.ts';
import { rigCrypto } from '../../../test/turn-world.ts';
import {
  BINDING_METHOD,
  decodeStun,
  integrityOf,
  looksLikeStun,
  PasswordAlgorithm,
  type StunAddress,
  type StunAttribute,
  StunClass,
  xorAddress,
} from '../../stun/index.ts';
import {
  addressFamily,
  channelNumber,
  evenPort,
  lifetime,
  requestedTransport,
  TurnAttributeType,
  TurnMethod,
  writeChannelData,
} from '../index.ts';

/** The same each time, because the last lines ask where it went; for a long night any, by FUZZ_RUNS. */
const runs = process.env.FUZZ_RUNS
  ? { numRuns: Number(process.env.FUZZ_RUNS) }
  : { numRuns: 60, seed: 1 };
const hour = 3_600_000;

const limits = {
  allocationsPerPlayer: 1,
  allocationsPerAddress: 2,
  permissionsPerAllocation: 3,
  channelsPerAllocation: 2,
};
const ports = { min: 5000, max: 5007 };
/** The longest answer to who has proved nothing. */
const MAX_CHALLENGE_BYTES = 88;

/** Peers: good ones, forbidden ones in every spelling, our own relayed addresses. */
const peers: readonly StunAddress[] = [
  { host: '9.9.9.9', port: 777 },
  { host: '9.9.9.9', port: 778 },
  { host: '9.9.9.8', port: 0 },
  { host: '9.9.9.7', port: 777 },
  { host: '2600:9::9', port: 777 },
  { host: '8.8.4.4', port: 5000 },
  { host: '8.8.4.4', port: 5001 },
  { host: '8.8.4.4', port: 22 },
  { host: '2600::5', port: 5000 },
  { host: '10.0.0.5', port: 5000 },
  { host: '127.0.0.1', port: 80 },
  { host: '192.168.0.1', port: 80 },
  { host: '::1', port: 80 },
  { host: '64:ff9b::7f00:1', port: 80 },
  { host: '255.255.255.255', port: 9 },
];
const mayBeSentTo = new Set(['9.9.9.9', '9.9.9.8', '9.9.9.7', '2600:9::9']);
const forbidden = peers.slice(-5);

// Mostly those who may, at what they may: else nobody would come far enough to break anything.
const who = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 2, 5, 6, 7) },
  { weight: 1, arbitrary: fc.nat(7) },
);
const peer = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...peers.slice(0, 7)) },
  { weight: 1, arbitrary: fc.constantFrom(...peers) },
);
const channel = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0x4000, 0x4001, 0x4fff, 0x7fff) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0x3fff, 0x8000) },
);
const length = fc.constantFrom(0, 1, 3, 100, 1500, 65_000);
const seconds = fc.constantFrom(0, 1, 600, 3600, 0xffff_ffff);

/** Attributes that may stand in any request, right or wrong. */
const attribute: fc.Arbitrary<StunAttribute> = fc.oneof(
  fc.constantFrom(17, 6, 0).map(requestedTransport),
  seconds.map(lifetime),
  fc.boolean().map(evenPort),
  fc.constantFrom(1, 2, 3).map((family) => ({
    ...addressFamily(TurnAttributeType.RequestedAddressFamily, 1),
    value: Uint8Array.of(family, 0, 0, 0),
  })),
  fc.constant(addressFamily(TurnAttributeType.AdditionalAddressFamily, 2)),
  fc.constant({ type: TurnAttributeType.DontFragment, value: new Uint8Array() }),
  fc
    .uint8Array({ minLength: 8, maxLength: 8 })
    .map((value) => ({ type: TurnAttributeType.ReservationToken, value })),
  fc.record({ type: fc.nat(0xffff), value: fc.uint8Array({ maxLength: 20 }) }),
);

type Step =
  | {
      readonly do: 'ask';
      readonly who: number;
      readonly method: number;
      readonly more: StunAttribute[];
    }
  | { readonly do: 'allocate'; readonly who: number; readonly more: StunAttribute[] }
  | { readonly do: 'permit'; readonly who: number; readonly peers: StunAddress[] }
  | {
      readonly do: 'bind';
      readonly who: number;
      readonly channel: number;
      readonly peer: StunAddress;
    }
  | {
      readonly do: 'send';
      readonly who: number;
      readonly peer: StunAddress;
      readonly length: number;
    }
  | {
      readonly do: 'channel';
      readonly who: number;
      readonly channel: number;
      readonly length: number;
    }
  | {
      readonly do: 'fromPeer';
      readonly relay: number;
      readonly peer: StunAddress;
      readonly length: number;
    }
  | { readonly do: 'replay'; readonly who: number; readonly edits: [number, number][] }
  | { readonly do: 'noise'; readonly who: number; readonly bytes: Uint8Array }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'hold' | 'release' | 'takePorts' | 'freePorts' | 'closeStream' | 'endPlayer' };

const more = fc.array(attribute, { maxLength: 4 });
const asAllowed = fc.constantFrom<StunAttribute[]>(
  [],
  [evenPort(true)],
  [addressFamily(TurnAttributeType.AdditionalAddressFamily, 2)],
  [addressFamily(TurnAttributeType.RequestedAddressFamily, 2)],
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('allocate' as const),
      who,
      more: fc.oneof({ weight: 3, arbitrary: asAllowed }, { weight: 1, arbitrary: more }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      who,
      method: fc.constantFrom<number>(...Object.values(TurnMethod), BINDING_METHOD, 0xfff),
      more,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('permit' as const),
      who,
      peers: fc.array(peer, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('bind' as const), who, channel, peer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send' as const), who, peer, length }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('channel' as const), who, channel, length }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('fromPeer' as const), relay: fc.nat(9), peer, length }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('replay' as const),
      who,
      edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('noise' as const),
      who,
      bytes: fc.uint8Array({ maxLength: 80 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(0, 500, 30_000) },
        { weight: 1, arbitrary: fc.constantFrom(299_999, 600_000, hour + 1) },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'hold' as const,
        'release' as const,
        'release' as const,
        'takePorts' as const,
        'freePorts' as const,
        'closeStream' as const,
        'endPlayer' as const,
      ),
    }),
  },
);

/** Alice at two addresses, Bob, one who guesses, one who is nobody, one with SHA-256, one on a stream, one more. */
class Crowd {
  readonly rig = new TurnRig(rigCrypto(7), { limits, ports });
  readonly clients: RigClient[];
  #stream = this.rig.server.openClientSocket(true);
  #sent: Uint8Array = new Uint8Array();

  constructor() {
    const { rig } = this;
    this.clients = [
      rig.client('1.2.3.4', 40_000),
      rig.client('1.2.3.4', 40_001),
      rig.client('1.2.3.9', 5, 'bob'),
      rig.client('6.6.6.6', 666),
      rig.client('6.6.6.7', 1, 'nobody'),
      rig.client('2600:1::7', 7, 'carol'),
      rig.client('1.2.3.4', 50_000, 'dave', this.#stream),
      rig.client('1.2.3.4', 50_001, 'erin'),
    ];
    const [, , , guesser, , sha256] = this.clients;
    if (guesser) guesser.password = 'guess';
    if (sha256) sha256.algorithm = PasswordAlgorithm.Sha256;
  }

  take(next: Step): void {
    const { rig } = this;
    switch (next.do) {
      case 'wait':
        rig.advance(next.ms);
        break;
      case 'hold':
        rig.isHolding = true;
        break;
      case 'release':
        rig.release();
        break;
      case 'takePorts':
        for (let port = ports.min; port <= ports.max; port += 2) rig.takenPorts.add(port);
        break;
      case 'freePorts':
        rig.takenPorts.clear();
        break;
      case 'closeStream':
        rig.server.closeClientSocket(rig.now, this.#stream);
        rig.pump();
        break;
      case 'endPlayer':
        rig.server.endPlayer(rig.now, 'alice');
        rig.pump();
        break;
      case 'fromPeer': {
        const relay = rig.opened[next.relay % Math.max(1, rig.opened.length)];
        const { host, port } = next.peer;
        if (relay) rig.fromPeer(relay, host, port, new Uint8Array(next.length));
        break;
      }
      default:
        this.#say(next, this.clients[next.who % this.clients.length]);
    }
    this.check(next);
  }

  #say(next: Extract<Step, { who: number }>, client: RigClient | undefined): void {
    if (!client) return;
    const id = client.nextId();
    const named = (address: StunAddress): StunAttribute =>
      xorAddress(TurnAttributeType.XorPeerAddress, address, id);
    switch (next.do) {
      case 'allocate':
        this.#ask(
          client,
          client.encode(TurnMethod.Allocate, [requestedTransport(17), ...next.more], id),
        );
        break;
      case 'ask':
        this.#ask(client, client.encode(next.method, next.more, id));
        break;
      case 'permit':
        this.#ask(client, client.encode(TurnMethod.CreatePermission, next.peers.map(named), id));
        break;
      case 'bind': {
        const attributes = [channelNumber(next.channel), named(next.peer)];
        this.#ask(client, client.encode(TurnMethod.ChannelBind, attributes, id));
        break;
      }
      case 'send':
        client.sendIndication(next.peer, new Uint8Array(next.length));
        break;
      case 'channel': {
        const bytes = new Uint8Array(4 + next.length);
        writeChannelData(bytes, 0, next.channel, new Uint8Array(next.length), false);
        client.send(bytes);
        break;
      }
      case 'noise':
        client.send(next.bytes);
        break;
      case 'replay': {
        // What somebody has said before, changed a little, by another or the same.
        const bytes = this.#sent.slice();
        for (const [at, byte] of next.edits) bytes[at % Math.max(1, bytes.length)] = byte;
        client.send(bytes);
        break;
      }
    }
  }

  /** Sends a request; a challenge is learned from, so that the next request is proved. */
  #ask(client: RigClient, bytes: Uint8Array): void {
    const { rig } = this;
    this.#sent = bytes;
    const before = rig.toClients.length;
    client.send(bytes);
    for (const { bytes: answer, host, port, socketId } of rig.toClients.slice(before)) {
      if (!looksLikeStun(answer)) continue;
      const message = decodeStun(answer);
      if (message.class < StunClass.Success) continue;
      expect([socketId, host, port]).toEqual([client.socket.id, client.host, client.port]);
      if (integrityOf(message) !== undefined) continue;
      const most = Math.max(
        MAX_CHALLENGE_BYTES,
        message.method === BINDING_METHOD ? bytes.length : 0,
      );
      expect(answer.length).toBeLessThanOrEqual(most);
      if (codeOf(message) === 401 || codeOf(message) === 438) client.learn(message);
    }
  }

  /** What holds at every moment. */
  check(after: Step): void {
    const { rig } = this;
    const { allocations } = rig.server.stats();
    const relays = [...rig.opened, ...rig.held];
    const owners = new Set(relays.map(({ allocation }) => allocation));
    expect(owners.size, after.do).toBe(allocations);
    expect(new Set(relays.map(({ family, port }) => `${family} ${port}`)).size).toBe(relays.length);
    for (const { player, allocations: count } of rig.server.usage()) {
      expect(count, player).toBeLessThanOrEqual(limits.allocationsPerPlayer);
      expect(['alice', 'bob', 'carol', 'dave', 'erin']).toContain(player);
    }
    const perHost = new Map<string, number>();
    for (const allocation of owners) {
      const { clientHost, channels, permissions, relays: own } = allocation;
      for (const { host } of forbidden) expect(allocation.peer(host), host).toBeUndefined();
      perHost.set(clientHost, (perHost.get(clientHost) ?? 0) + 1);
      expect(perHost.get(clientHost)).toBeLessThanOrEqual(limits.allocationsPerAddress);
      expect(['6.6.6.6', '6.6.6.7']).not.toContain(clientHost);
      expect(channels.size).toBeLessThanOrEqual(limits.channelsPerAllocation);
      expect(permissions).toBeLessThanOrEqual(limits.permissionsPerAllocation);
      expect(own.length).toBeLessThanOrEqual(2);
    }
    for (const { host, port } of rig.toPeers.splice(0)) {
      expect(mayBeSentTo, `${after.do} to ${host}`).toContain(host);
      expect(port).toBeGreaterThan(0);
    }
    rig.toClients.length = 0;
  }
}

test('any sequence of several users’ messages, right and wrong: every limit holds, and nothing is left in the end', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
      fc.boolean(),
      (steps, isProved) => {
        const crowd = new Crowd();
        const { rig } = crowd;
        // Everybody knocks; in every other run they prove at once what they can.
        for (let round = 0; round <= Number(isProved); round++) {
          for (const i of crowd.clients.keys()) crowd.take({ do: 'allocate', who: i, more: [] });
        }
        for (const next of steps) {
          crowd.take(next);
          if (rig.server.stats().allocations > 0) seen.add('allocations');
          if (rig.opened.some(({ allocation }) => allocation.channels.size > 0))
            seen.add('channels');
          for (const code of rig.server.stats().refused.keys()) seen.add(`refused ${code}`);
        }
        rig.takenPorts.clear();
        rig.release();
        rig.advance(3 * hour);
        expect([rig.opened, rig.held, rig.server.usage()]).toEqual([[], [], []]);
        expect(rig.server.stats().allocations).toBe(0);
        expect(rig.server.pollTimeout()).toBeUndefined();
        expect(rig.listener.allocations.size).toBe(0);
        // No port is lost: one player after the other gets each of them.
        const given = new Set<number>();
        for (let port = ports.min; port <= ports.max; port++) {
          const answer = rig.client(`7.7.7.${port - ports.min}`, 7, `player ${port}`).allocate();
          expect(codeOf(answer)).toBe(0);
          given.add(relayedAddress(answer).port);
        }
        expect(given.size).toBe(1 + ports.max - ports.min);
      },
    ),
    runs,
  );
  // The sequences go where something is to be found.
  for (const what of [
    'allocations',
    'channels',
    ...[400, 401, 403, 420, 437, 443, 486].map((code) => `refused ${code}`),
  ]) {
    expect(seen).toContain(what);
  }
}, 600_000);
