import { describe, expect, test } from 'vitest';
import {
  EVERYONE,
  type MultiplayerPeer,
  type MultiplayerPeerEvents,
  type ReceivedMessage,
  SERVER,
  type TransferMode,
} from '../../packages/partyline/src/multiplayer/index.ts';

/** A host and two clients, connected and introduced to each other; or three peers of a mesh. */
export interface MultiplayerPeerSetup extends AsyncDisposable {
  readonly host: MultiplayerPeer;
  readonly clients: readonly [MultiplayerPeer, MultiplayerPeer];
  /** Lets the network run until nothing reliable is in flight. */
  settle(): Promise<void>;
}

const modes: readonly TransferMode[] = ['reliable', 'unreliable', 'unreliableOrdered'];

/** What a star over any wire promises. A new wire adds a setup and no test of its own kind. */
export function describeMultiplayerPeer(
  wire: string,
  setup: () => Promise<MultiplayerPeerSetup>,
): void {
  describe(`MultiplayerPeer over ${wire}`, () => {
    describeEveryTopology(setup);

    test('the host is 1, clients have other ids, and everybody knows everybody', async () => {
      await using net = await setup();
      const [a, b] = net.clients;
      expect(net.host.id).toBe(SERVER);
      expect(new Set([net.host.id, a.id, b.id]).size).toBe(3);
      expect([net.host, a, b].map((peer) => peer.status)).toEqual(Array(3).fill('connected'));
      expect(net.host.peers).toEqual([a.id, b.id].sort((x, y) => x - y));
      expect(a.peers).toEqual([SERVER, b.id]);
      expect(b.peers).toEqual([SERVER, a.id]);
    });

    test('disconnectPeer: the reason arrives after what was said before, everybody hears it once', async () => {
      await using net = await setup();
      const [a, b] = net.clients;
      const logs = [net.host, a, b].map(record);
      const heard: string[] = [];
      a.events.on('readable', () => heard.push(...said(drain(a))));
      net.host.send(a.id, number(9));
      net.host.disconnectPeer(a.id, 'cheating');
      expect(() => net.host.send(a.id, number(1))).toThrow(
        expect.objectContaining({ code: 'PEER_UNKNOWN' }),
      );
      await net.settle();
      expect(heard).toEqual(['1:9']);
      expect(logs[0]).toEqual([`peer ${a.id} cheating`]);
      expect(logs[1]).toEqual([
        `peer ${b.id} cheating`,
        'peer 1 cheating',
        'disconnected cheating',
      ]);
      expect(logs[2]).toEqual([`peer ${a.id} cheating`]);
      expect([net.host.peers, a.peers, b.peers]).toEqual([[b.id], [], [SERVER]]);
      expect(() => net.host.disconnectPeer(a.id)).toThrow(/no peer/);
    });

    test('a host that closes: every client ends once, with the reason', async () => {
      await using net = await setup();
      const [a, b] = net.clients;
      const logs = [a, b].map(record);
      const closed = net.host.close('the end');
      await net.settle();
      await closed;
      expect(logs[0]).toEqual([`peer ${b.id} the end`, 'peer 1 the end', 'disconnected the end']);
      expect(logs[1]).toEqual([`peer ${a.id} the end`, 'peer 1 the end', 'disconnected the end']);
      expect([net.host, a, b].map((peer) => peer.status)).toEqual(Array(3).fill('disconnected'));
    });

    test('stats: wire, ping and counts of own links; none for relayed or unknown peers', async () => {
      await using net = await setup();
      const [a, b] = net.clients;
      for (let i = 0; i < 10; i++) net.host.send(a.id, number(i));
      await net.settle();
      const stats = net.host.stats(a.id);
      expect(stats?.sentMessages).toBeGreaterThanOrEqual(10);
      expect(stats?.sentBytes).toBeGreaterThanOrEqual(40);
      expect(stats?.pendingReliableBytes).toBe(0);
      expect(stats?.malformed).toBe(0);
      expect(stats?.pingMs).toBeGreaterThanOrEqual(0);
      expect(a.stats(SERVER)?.receivedMessages).toBeGreaterThanOrEqual(10);
      expect(a.stats(b.id)).toBeUndefined();
      expect(net.host.stats(99)).toBeUndefined();
    });
  });
}

/** What a mesh over any wire promises. */
export function describeMesh(wire: string, setup: () => Promise<MultiplayerPeerSetup>): void {
  describe(`mesh over ${wire}`, () => {
    describeEveryTopology(setup);

    test('ids differ, everybody knows everybody, nobody relays', async () => {
      await using net = await setup();
      const peers = [net.host, ...net.clients];
      expect(new Set(peers.map(({ id }) => id)).size).toBe(3);
      for (const peer of peers) {
        expect(peer.status).toBe('connected');
        expect(peer.isServerRelaySupported).toBe(false);
        const others = peers.filter((other) => other !== peer).map(({ id }) => id);
        expect(peer.peers).toEqual(others.sort((x, y) => x - y));
      }
    });

    test('disconnectPeer: any peer may, for its own link alone; the reason arrives after what was said before', async () => {
      await using net = await setup();
      const { host } = net;
      const [a, b] = net.clients;
      const logs = [host, a, b].map(record);
      const heard: string[] = [];
      a.events.on('readable', () => heard.push(...said(drain(a))));
      b.send(a.id, number(9));
      b.disconnectPeer(a.id, 'cheating');
      expect(() => b.send(a.id, number(1))).toThrow(
        expect.objectContaining({ code: 'PEER_UNKNOWN' }),
      );
      await net.settle();
      expect(heard).toEqual([`${b.id}:9`]);
      expect(logs).toEqual([[], [`peer ${b.id} cheating`], [`peer ${a.id} cheating`]]);
      expect([a.peers, b.peers]).toEqual([[host.id], [host.id]]);
      expect(host.peers).toHaveLength(2);
      expect(() => b.disconnectPeer(a.id)).toThrow(/no peer/);
      a.send(EVERYONE, number(2));
      await net.settle();
      expect([said(drain(host)), said(drain(b))]).toEqual([[`${a.id}:2`], []]);
    });

    test('a peer that closes, whoever it is: the others play on', async () => {
      await using net = await setup();
      const [a, b] = net.clients;
      const logs = [a, b].map(record);
      const { id } = net.host;
      const closed = net.host.close('the end');
      await net.settle();
      await closed;
      expect(logs).toEqual([[`peer ${id} the end`], [`peer ${id} the end`]]);
      a.send(b.id, number(3));
      await net.settle();
      expect(said(drain(b))).toEqual([`${a.id}:3`]);
      expect([net.host, a, b].map((peer) => peer.status)).toEqual([
        'disconnected',
        'connected',
        'connected',
      ]);
    });

    test('stats of every link: wire, ping and counts; none for unknown peers', async () => {
      await using net = await setup();
      const [a, b] = net.clients;
      for (let i = 0; i < 10; i++) a.send(b.id, number(i));
      await net.settle();
      expect(a.stats(b.id)?.sentMessages).toBeGreaterThanOrEqual(10);
      expect(b.stats(a.id)?.receivedMessages).toBeGreaterThanOrEqual(10);
      expect(b.stats(a.id)?.pingMs).toBeGreaterThanOrEqual(0);
      expect(a.stats(99)).toBeUndefined();
    });
  });
}

function describeEveryTopology(setup: () => Promise<MultiplayerPeerSetup>): void {
  test.each(['host to client', 'client to host', 'client to client'])(
    'reliable, %s: once and in order on each channel',
    async (way) => {
      await using net = await setup();
      const [a, b] = net.clients;
      const from = way === 'host to client' ? net.host : a;
      const to = way === 'client to host' ? net.host : b;
      for (let i = 0; i < 500; i++) from.send(to.id, number(i), { channel: i % 3 });
      await net.settle();
      const got = drain(to);
      expect(got.every((message) => message.from === from.id)).toBe(true);
      for (const channel of [0, 1, 2]) {
        const expected = Array.from({ length: 500 }, (_, i) => i).filter((i) => i % 3 === channel);
        expect(numbers(got.filter((message) => message.channel === channel))).toEqual(expected);
      }
    },
  );

  test('unreliableOrdered never goes back, on each channel, also when relayed', async () => {
    await using net = await setup();
    const [a, b] = net.clients;
    const got: ReceivedMessage[] = [];
    for (let i = 0; i < 100; i++) {
      a.send(b.id, number(i), { mode: 'unreliableOrdered', channel: i % 2 });
      if (i % 10 === 9) await net.settle();
      got.push(...drain(b));
    }
    for (const channel of [0, 1]) {
      const seen = numbers(got.filter((message) => message.channel === channel));
      expect(seen.length).toBeGreaterThan(0);
      expect(seen).toEqual([...new Set(seen)].sort((x, y) => x - y));
    }
  });

  test('channels 0 to 255 and the mode arrive as sent', async () => {
    await using net = await setup();
    const [a] = net.clients;
    const channels = [0, 1, 2, 127, 128, 255];
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) {
      for (const channel of channels) {
        for (const mode of modes) net.host.send(a.id, number(channel), { channel, mode });
      }
      await net.settle();
      for (const { channel, mode, bytes } of drain(a)) {
        expect(view(bytes).getUint32(0)).toBe(channel);
        seen.add(`${channel} ${mode}`);
      }
    }
    expect(seen.size).toBe(channels.length * modes.length);
  });

  test('targets: one, everyone, all but one; a client’s everyone includes the host', async () => {
    await using net = await setup();
    const [a, b] = net.clients;
    const { host } = net;
    host.send(EVERYONE, number(1));
    host.send(-a.id, number(2));
    a.send(EVERYONE, number(3));
    a.send(-b.id, number(4));
    a.send(-host.id, number(5));
    a.send(b.id, number(6));
    a.send(host.id, number(7));
    await net.settle();
    expect(said(drain(a))).toEqual([`${host.id}:1`]);
    expect(said(drain(b))).toEqual(
      [`${host.id}:1`, `${host.id}:2`, `${a.id}:3`, `${a.id}:5`, `${a.id}:6`].sort(),
    );
    expect(said(drain(host))).toEqual([`${a.id}:3`, `${a.id}:4`, `${a.id}:7`].sort());
  });

  test('an empty message and the largest one arrive; a larger one is refused at the call', async () => {
    await using net = await setup();
    const [a, b] = net.clients;
    const big = new Uint8Array(net.host.maxMessageBytes).map((_, i) => i * 7);
    expect(net.host.maxMessageBytes).toBe(512 * 1024);
    a.send(b.id, new Uint8Array(0));
    a.send(b.id, big);
    await net.settle();
    const got = drain(b).map((message) => message.bytes);
    expect(got.map((bytes) => bytes.length)).toEqual([0, big.length]);
    expect(Buffer.compare(got[1] ?? new Uint8Array(0), big)).toBe(0);
    expect(() => a.send(b.id, new Uint8Array(big.length + 1))).toThrow(
      expect.objectContaining({ code: 'PEER_MESSAGE_TOO_LARGE' }),
    );
  });

  test('the sender may use its buffer again, the receiver keeps what it got', async () => {
    await using net = await setup();
    const [a] = net.clients;
    const buffer = number(1);
    net.host.send(a.id, buffer);
    buffer.fill(0xff);
    net.host.send(a.id, number(2));
    await net.settle();
    const [first] = drain(a);
    net.host.send(a.id, number(3));
    await net.settle();
    expect(first?.bytes).toEqual(number(1));
  });

  test('unknown peers, oneself and impossible channels are errors at the call', async () => {
    await using net = await setup();
    const [a] = net.clients;
    const unknown = expect.objectContaining({ code: 'PEER_UNKNOWN' });
    const invalid = expect.objectContaining({ code: 'OPTIONS_INVALID' });
    for (const peer of [net.host, a]) {
      expect(() => peer.send(123_456_789, number(1))).toThrow(unknown);
      expect(() => peer.send(peer.id, number(1))).toThrow(unknown);
      expect(() => peer.send(EVERYONE, number(1), { channel: 256 })).toThrow(invalid);
      expect(() => peer.send(EVERYONE, number(1), { channel: -1 })).toThrow(invalid);
      expect(() => peer.send(0.5, number(1))).toThrow(invalid);
      expect(() => peer.send(-123_456_789, number(1))).not.toThrow();
    }
    await net.settle();
    expect(said(drain(net.host))).toEqual([`${a.id}:1`]);
  });

  test('too much at once: PEER_BUFFER_FULL, and later it goes on', async () => {
    await using net = await setup();
    const [a] = net.clients;
    const bytes = new Uint8Array(256 * 1024);
    let sent = 0;
    const flood = (): void => {
      for (; sent < 1000; sent++) net.host.send(a.id, bytes);
    };
    expect(flood).toThrow(expect.objectContaining({ code: 'PEER_BUFFER_FULL' }));
    expect(net.host.bufferedBytes(a.id)).toBeGreaterThan(3 * 1024 * 1024);
    await net.settle();
    expect(drain(a)).toHaveLength(sent);
    expect(net.host.bufferedBytes(a.id)).toBeLessThan(2000);
    net.host.send(a.id, number(1));
    await net.settle();
    expect(drain(a)).toHaveLength(1);
  });

  test('readable: once per drain, not per message', async () => {
    await using net = await setup();
    const [a] = net.clients;
    let fired = 0;
    a.events.on('readable', () => fired++);
    net.host.send(a.id, number(1));
    await net.settle();
    net.host.send(a.id, number(2));
    await net.settle();
    expect(fired).toBe(1);
    expect(drain(a)).toHaveLength(2);
    net.host.send(a.id, number(3));
    await net.settle();
    expect(fired).toBe(2);
  });

  test('what a just removed peer said is dropped, not delivered and no crash', async () => {
    await using net = await setup();
    const [a, b] = net.clients;
    a.send(net.host.id, number(1));
    await net.settle();
    net.host.disconnectPeer(a.id);
    expect(drain(net.host)).toEqual([]);
    b.send(net.host.id, number(2));
    await net.settle();
    expect(said(drain(net.host))).toEqual([`${b.id}:2`]);
  });

  test('a client that closes: its reason is heard once by all, its last words before', async () => {
    await using net = await setup();
    const [a, b] = net.clients;
    const logs = [net.host, a, b].map(record);
    const heard: string[] = [];
    net.host.events.on('readable', () => heard.push(...said(drain(net.host))));
    a.send(net.host.id, number(5));
    const closed = [a.close('going home'), a.close('again')];
    await net.settle();
    await Promise.all(closed);
    expect(heard).toEqual([`${a.id}:5`]);
    expect(logs[0]).toEqual([`peer ${a.id} going home`]);
    expect(logs[2]).toEqual([`peer ${a.id} going home`]);
    expect(logs[1]?.at(-1)).toBe('disconnected going home');
    expect(() => a.send(EVERYONE, number(1))).toThrow(
      expect.objectContaining({ code: 'PEER_CLOSED' }),
    );
    expect(a.receive()).toBeUndefined();
  });
}

function number(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, n);
  return bytes;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function numbers(messages: readonly ReceivedMessage[]): number[] {
  return messages.map(({ bytes }) => view(bytes).getUint32(0));
}

function said(messages: readonly ReceivedMessage[]): string[] {
  return messages.map(({ from, bytes }) => `${from}:${view(bytes).getUint32(0)}`).sort();
}

function drain(peer: MultiplayerPeer): ReceivedMessage[] {
  const received: ReceivedMessage[] = [];
  for (let m = peer.receive(); m; m = peer.receive()) received.push(m);
  return received;
}

function record(peer: MultiplayerPeer): string[] {
  const log: string[] = [];
  const { events } = peer;
  const gone = ({ id, reason }: MultiplayerPeerEvents['peerDisconnected']): void => {
    log.push(`peer ${id} ${reason}`);
  };
  events.on('peerDisconnected', gone);
  events.on('peerConnected', ({ id }) => log.push(`connected ${id}`));
  events.on('statusChanged', ({ status, reason }) => log.push(`${status} ${reason}`));
  return log;
}
