import { type Connection, GnsSockets } from 'partyline/node';
import { encodeConnectionClosed, encodeNoConnection } from 'partyline/protocol/gns';
import { describe, expect, test } from 'vitest';
import { NativePeer, NativeState, nativeBinary } from './gns-native.ts';
import { type RawManners, RawPeer } from './gns-raw-peer.ts';

/** A server that a raw peer misbehaves towards: the native one, or ours. */
interface Judge extends AsyncDisposable {
  readonly port: number;
  /** The reason that it ended the connection with. */
  verdict(): Promise<number>;
  /** The next reliable message that arrived. */
  message(): Promise<number[]>;
}

async function nativeJudge(): Promise<Judge> {
  const native = await NativePeer.start('str:judge');
  await native.receive('events');
  const port = await native.listen();
  return {
    port,
    verdict: async () => {
      const ends = [NativeState.ClosedByPeer, NativeState.Problem];
      return Number(
        (await Promise.any(ends.map((state) => native.next('state', { new: state })))).reason,
      );
    },
    message: async () => [...Buffer.from(String((await native.next('message')).hex), 'hex')],
    [Symbol.asyncDispose]: () => native[Symbol.asyncDispose](),
  };
}

async function ourJudge(): Promise<Judge> {
  const sockets = new GnsSockets({ identity: 'str:judge' });
  const listening = await sockets.listen({ host: '127.0.0.1' });
  const came = new Promise<Connection>((resolve) => {
    listening.events.on('incoming', (connection) => {
      listening.accept(connection);
      resolve(connection);
    });
  });
  return {
    port: listening.address.port,
    verdict: async () => {
      const connection = await came;
      await connection.ended;
      return connection.endReason;
    },
    message: async () => {
      const connection = await came;
      for (let m = connection.receive(); ; m = connection.receive()) {
        if (m !== undefined) return [...m.bytes];
        await new Promise<void>((resolve) => setTimeout(resolve, 2));
      }
    },
    [Symbol.asyncDispose]: () => sockets.close(),
  };
}

const judges = [
  ['the native library', nativeJudge],
  ['ours', ourJudge],
] as const;

// SNP frames by hand: docs/wire/snp.md.
const u16 = (value: number): number[] => [value & 0xff, value >> 8];
const u48 = (value: number): number[] =>
  [0, 8, 16, 24, 32, 40].map((shift) => Math.floor(value / 2 ** shift) & 0xff);
const reliable = (position: number, ...stream: number[]): number[] => [
  0x57,
  ...u48(position),
  ...stream,
];
const unreliable = (number: number, ...bytes: number[]): number[] => [
  0x27,
  ...u16(number),
  ...bytes,
];
const stopWaiting = (offset: number): number[] => [0x80, offset];
const ack = (latest: number, ...blocks: number[]): number[] => [
  0x98 | blocks.length,
  ...u16(latest),
  0xff,
  0xff,
  ...blocks,
];
/** A message of two bytes as the reliable stream has it. */
const message = (byte: number): number[] => [2, byte, byte];

type Deed = (peer: RawPeer) => void;

const fatal: readonly (readonly [string, number, Deed])[] = [
  ['bytes that are no frame', 5002, (peer) => peer.sendFrames([0xff, 0xff])],
  ['a frame that ends too early', 5002, (peer) => peer.sendFrames([0x57, 1, 0])],
  [
    'an unreliable message number that underflows',
    5002,
    (peer) => peer.sendFrames([0x27, ...u16(0xfff0), 1]),
  ],
  [
    'a reliable stream that begins at 0',
    5002,
    (peer) => peer.sendFrames(reliable(0, ...message(1))),
  ],
  [
    'a reliable message that is too large',
    5002,
    (peer) => peer.sendFrames(reliable(1, 0x20, 0xff, 0xff, 0x7f)),
  ],
  [
    'reliable messages whose numbers leap',
    5002,
    (peer) => peer.sendFrames(reliable(1, 0x42, 0xff, 0xff, 0xff, 0x7f, 1, 1)),
  ],
  ['a stop-waiting before the beginning', 5002, (peer) => peer.sendFrames(stopWaiting(200))],
  [
    'a packet number that leaps',
    5001,
    (peer) => {
      peer.nextNumber += 0x4001;
      peer.sendFrames(unreliable(1, 1));
    },
  ],
  [
    'a close of the application’s',
    1234,
    (peer) => peer.send(encodeConnectionClosed({ ...peer.ids, reason: 1234, debug: 'enough' })),
  ],
  [
    'a close for an exception',
    2999,
    (peer) => peer.send(encodeConnectionClosed({ ...peer.ids, reason: 2999, debug: 'oh' })),
  ],
  [
    'a close for a problem of the peer’s',
    4003,
    (peer) =>
      peer.send(encodeConnectionClosed({ ...peer.ids, reason: 4003, debug: 'your certificate' })),
  ],
  ['no connection here', 5010, (peer) => peer.send(encodeNoConnection(peer.ids))],
];

const harmless: readonly (readonly [string, Deed])[] = [
  [
    'a packet twice',
    (peer) => {
      const packet = peer.seal(stopWaiting(0));
      peer.send(packet);
      peer.send(packet);
      peer.nextNumber += 1;
    },
  ],
  [
    'a packet with a bit turned',
    (peer) => {
      const packet = peer.seal([0xff, 0xff]);
      packet[packet.length - 1] = (packet.at(-1) ?? 0) ^ 1;
      peer.send(packet);
    },
  ],
  [
    'a stop-waiting that goes back',
    (peer) => {
      peer.nextNumber = 10;
      peer.sendFrames(stopWaiting(1));
      peer.sendFrames(stopWaiting(8));
    },
  ],
  ['an ack of what was never sent', (peer) => peer.sendFrames(ack(0x3000))],
  ['an empty packet', (peer) => peer.sendFrames([])],
  ['a reliable segment far ahead', (peer) => peer.sendFrames(reliable(900_000, ...message(1)))],
  [
    'a close of another connection',
    (peer) => peer.send(encodeConnectionClosed({ to: 99, from: 98, reason: 1000, debug: '' })),
  ],
  [
    'no connection, with one id',
    (peer) => peer.send(encodeNoConnection({ to: 0, from: peer.ids.from })),
  ],
  ['four bytes', (peer) => peer.send(Uint8Array.of(0x80, 1, 2, 3))],
  ['an unknown type', (peer) => peer.send(new Uint8Array(600).fill(60))],
  [
    'a data packet for another id',
    (peer) => peer.send(Uint8Array.of(0x80, 9, 9, 9, 9, 3, 0, 1, 2, 3)),
  ],
];

describe.skipIf(nativeBinary === undefined).each(judges)(
  'a hostile client before %s',
  (_name, open) => {
    test.each(fatal)('%s ends the connection with %i', async (_what, reason, misbehave) => {
      await using judge = await open();
      await using peer = await RawPeer.open();
      expect(await peer.dial(judge.port)).toBe('connected');
      misbehave(peer);
      expect(await judge.verdict()).toBe(reason);
    });

    test.each(harmless)('%s changes nothing', async (_what, misbehave) => {
      await using judge = await open();
      await using peer = await RawPeer.open();
      expect(await peer.dial(judge.port)).toBe('connected');
      misbehave(peer);
      peer.sendFrames(reliable(1, ...message(7)));
      expect(await judge.message()).toEqual([7, 7]);
    });
  },
);

const expired = Math.floor(Date.now() / 1000) - 60;

/** What servers answer: GNS says nothing to whom it refuses and lets it time out; ours tells why. */
const clients: readonly (readonly [string, RawManners, number | 'connected' | 'silence'])[] = [
  ['a version too old', { version: 7 }, 4006],
  ['the oldest version that is understood', { version: 8 }, 'connected'],
  ['a version from the future', { version: 14 }, 'connected'],
  ['a certificate for another app', { appIds: [480] }, 4003],
  ['a certificate for many apps, ours among them', { appIds: [480, 0, 570] }, 'connected'],
  ['a certificate for no app', { appIds: [] }, 4003],
  ['a signature that is broken', { isSignatureBroken: true }, 4002],
  [
    'an expired certificate, where nobody must prove anything',
    { expiredSec: expired },
    'connected',
  ],
  ['no cipher that is taken', { ciphers: [1] }, 4002],
  ['no cipher that anybody knows, which is as none at all', { ciphers: [77] }, 'connected'],
  ['another’s challenge', { isChallengeBroken: true }, 'silence'],
];

describe.skipIf(nativeBinary === undefined)('a client that shows', () => {
  test.each(clients)('%s', async (_what, manners, answer) => {
    await using mine = await ourJudge();
    await using toUs = await RawPeer.open(manners);
    expect(await toUs.dial(mine.port)).toBe(answer);
    await using native = await nativeJudge();
    await using toNative = await RawPeer.open(manners);
    const theirs = await toNative.dial(native.port, 1000);
    const isKnownLate = manners.ciphers !== undefined; // GNS looks at the ciphers when it accepts
    expect(theirs).toBe(answer === 'connected' || isKnownLate ? answer : 'silence');
  });
});

/** What clients end with, and tell the server. */
const servers: readonly (readonly [string, RawManners, number])[] = [
  ['a version too old', { version: 7, challengeVersion: 13 }, 4006],
  ['another version than it said before', { version: 12, challengeVersion: 13 }, 4006],
  ['a certificate for another app', { appIds: [480] }, 4003],
  ['a certificate for no app', { appIds: [] }, 4003],
  ['a signature that is broken', { isSignatureBroken: true }, 4002],
  ['two ciphers to choose from', { ciphers: [2, 1] }, 4002],
  ['a cipher that was not offered', { ciphers: [1] }, 4002],
  ['a connection id that ends in zeros', { id: 0x5555_0000 }, 4002],
];

describe.skipIf(nativeBinary === undefined)('a server that shows', () => {
  test.each(servers)(
    '%s: both clients end with the same, and say so',
    async (_what, manners, reason) => {
      await using toNative = await RawPeer.open(manners);
      await using native = await NativePeer.start('str:client');
      const served = toNative.serve();
      const conn = await native.dial(toNative.port);
      const state = await native.next('state', { conn, new: NativeState.Problem });
      await served;
      await using toUs = await RawPeer.open(manners);
      await using sockets = new GnsSockets({ identity: 'str:client' });
      const serving = toUs.serve();
      const ours = await sockets.dial({ host: '127.0.0.1', port: toUs.port });
      await ours.ended;
      await serving;
      expect([Number(state.reason), ours.endReason]).toEqual([reason, reason]);
      expect(await toUs.hearClosed()).toMatchObject({ reason });
      expect(await toNative.hearClosed()).toMatchObject({ reason });
    },
  );

  test('an answer too old: ours says so at once', async () => {
    await using raw = await RawPeer.open({ version: 7 });
    await using sockets = new GnsSockets();
    void raw.serve();
    const ours = await sockets.dial({ host: '127.0.0.1', port: raw.port });
    await ours.ended;
    expect([ours.endReason, ours.endDebug]).toEqual([
      5001,
      'Peer is running old software and needs to be updated',
    ]);
  });
});
