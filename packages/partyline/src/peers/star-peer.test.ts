import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import { EVERYONE, type MultiplayerPeer, SERVER } from '../multiplayer/index.ts';
import { SimWire, VirtualClock } from '../testing/index.ts';
import { ClientPeer } from './client-peer.ts';
import { HostPeer } from './host-peer.ts';
import { Link } from './link.ts';
import type { LinkMessage } from './link-receiver.ts';
import type { LinkedPeerOptions } from './linked-peer.ts';
import { LoopbackHub } from './loopback.ts';
import { decodeStarMessage, encodeStarMessage, type StarMessage } from './star-messages.ts';

const system = { mode: 'reliable', channel: 0, peer: SERVER, system: true } as const;
const hello = encodeStarMessage({ type: 'hello', version: 1, schema: '' });

/** A client written by somebody hostile: a bare link to the host. */
function rawClient(clock: VirtualClock, host: HostPeer, id: number, latencyMs = 0) {
  const [a, b] = SimWire.pair(clock, { latencyMs });
  host.openLink(id);
  const handlers = host.wireHandlers(id, () => a);
  if (handlers) host.attach(id, a.open(handlers));
  const heard: LinkMessage[] = [];
  const ended: string[] = [];
  const link = new Link(clock, {
    onMessage: (message) => heard.push(message),
    onWireLost: () => {},
    onEnded: (reason) => ended.push(reason),
    onDrained: () => {},
  });
  link.attach(b.open(link.handlersFor(() => b)));
  const stars = (): StarMessage[] =>
    heard.filter((message) => message.system).map((message) => decodeStarMessage(message.bytes));
  return { link, heard, ended, stars, wires: [a, b] as const };
}

function log(peer: MultiplayerPeer): string[] {
  const lines: string[] = [];
  peer.events.on('peerConnected', ({ id }) => lines.push(`+${id}`));
  peer.events.on('peerDisconnected', ({ id, reason }) => lines.push(`-${id} ${reason}`));
  peer.events.on('statusChanged', ({ status, reason }) => lines.push(`${status} ${reason ?? ''}`));
  return lines;
}

function drain(peer: MultiplayerPeer): number[][] {
  const got: number[][] = [];
  for (let m = peer.receive(); m; m = peer.receive()) got.push([m.from, ...m.bytes]);
  return got;
}

function star(options: Partial<LinkedPeerOptions> = {}) {
  const clock = new VirtualClock();
  const hub = new LoopbackHub({ scheduler: clock, ...options });
  return { clock, hub, host: hub.host };
}

test('a client is connected when the host admitted it, not when its wire opened', () => {
  const clock = new VirtualClock();
  const client = new ClientPeer(7, { scheduler: clock });
  const lines = log(client);
  const [a, b] = SimWire.pair(clock);
  a.open({ onPacket: () => {}, onWritable: () => {}, onClosed: () => {} });
  client.openLink(SERVER);
  const handlers = client.wireHandlers(SERVER, () => b);
  if (handlers) client.attach(SERVER, b.open(handlers));
  clock.advance(5000);
  expect(client.status).toBe('connecting');
  expect(client.peers).toEqual([]);
  expect(lines).toEqual([]);
  expect(() => client.send(SERVER, Uint8Array.of(1))).toThrow(
    expect.objectContaining({ code: 'PEER_NOT_CONNECTED' }),
  );
});

test('connected: status first, then peer 1, then the others, each once', () => {
  const { clock, hub } = star();
  hub.join();
  clock.advance(10);
  const client = hub.join();
  const lines = log(client);
  clock.advance(5000);
  expect(lines).toEqual(['connected ', '+1', '+2']);
});

test('connecting can be cancelled: close ends it and the host never hears of it', async () => {
  const { clock, hub, host } = star();
  const client = hub.join();
  const lines = log(client);
  const hostLines = log(host);
  const closed = client.close('changed my mind');
  await clock.advanceAsync(15_000);
  await closed;
  expect(lines).toEqual(['disconnected changed my mind']);
  expect(hostLines.filter((line) => line.startsWith('+'))).toHaveLength(
    hostLines.filter((line) => line.startsWith('-')).length,
  );
  expect(host.peers).toEqual([]);
});

test('closed by a listener of its own connection: every peer that was announced goes, no other', async () => {
  const { clock, hub } = star();
  const client = hub.join();
  const lines = log(client);
  client.events.on('statusChanged', ({ status }) => {
    if (status === 'connected') void client.close('not here');
  });
  clock.advance(3000);
  expect(lines).toEqual(['connected ', 'disconnected not here']);
  expect(client.peers).toEqual([]);
});

test('close settles when all is released, also links that were ended before', async () => {
  const clock = new VirtualClock();
  const host = new HostPeer({ scheduler: clock });
  const { ended } = rawClient(clock, host, 5, 20);
  clock.advance(100);
  host.closeLink(5, 'rude');
  let isClosed = false;
  void host.close().then(() => {
    isClosed = true;
  });
  await clock.advanceAsync(0);
  expect([isClosed, ended]).toEqual([false, []]);
  await clock.advanceAsync(2000);
  expect([isClosed, ended]).toEqual([true, ['rude']]);
});

test('a host that announces ever more clients is believed up to a thousand', () => {
  const clock = new VirtualClock();
  const client = new ClientPeer(7, { scheduler: clock });
  const [a, b] = SimWire.pair(clock);
  const host = new Link(clock, {
    onMessage: () => {},
    onWireLost: () => {},
    onEnded: () => {},
    onDrained: () => {},
  });
  client.openLink(SERVER);
  const handlers = client.wireHandlers(SERVER, () => b);
  if (handlers) client.attach(SERVER, b.open(handlers));
  host.attach(a.open(host.handlersFor(() => a)));
  host.send(system, encodeStarMessage({ type: 'welcome' }));
  for (let id = 10; id < 1510; id++) host.send(system, encodeStarMessage({ type: 'joined', id }));
  clock.advance(2000);
  expect(client.peers).toHaveLength(1001);
  expect(client.malformed).toBe(500);
});

test('refuseNewConnections: the newcomer is told and closed, those inside stay', () => {
  const { clock, hub, host } = star();
  const inside = hub.join();
  clock.advance(10);
  host.refuseNewConnections = true;
  const late = hub.join();
  const lines = log(late);
  clock.advance(10);
  expect(lines).toEqual(['disconnected the host refuses new connections']);
  expect(inside.status).toBe('connected');
  expect(host.peers).toEqual([inside.id]);
});

test('version skew is refused before play with both schemas in the reason', () => {
  const { clock, hub, host } = star({ schema: 'aaaa' });
  const hostLines = log(host);
  const client = hub.join({ schema: 'bbbb' });
  const lines = log(client);
  clock.advance(10);
  expect(lines).toEqual([
    'disconnected version skew: the host has schema aaaa, this client bbbb; update the older one',
  ]);
  expect(hostLines).toEqual([]);
  const fine = hub.join({ schema: 'aaaa' });
  clock.advance(10);
  expect(fine.status).toBe('connected');
  expect(() => hub.join({ schema: 'x'.repeat(65) })).toThrow('64 bytes');
});

test('another protocol version is refused with both numbers', () => {
  const clock = new VirtualClock();
  const client = rawClient(clock, new HostPeer({ scheduler: clock }), 2);
  client.link.send(system, encodeStarMessage({ type: 'hello', version: 9, schema: '' }));
  clock.advance(10);
  expect(client.ended).toEqual(['version skew: the host speaks protocol 1, this client 9']);
});

test('a client’s id is given, never chosen: 0, 1, negative or too large cannot be made, one in use neither', () => {
  const clock = new VirtualClock();
  for (const id of [0, 1, -5, 1.5, 2 ** 31]) {
    expect(() => new ClientPeer(id, { scheduler: clock })).toThrow('2 to 2147483647');
  }
  const host = new HostPeer({ scheduler: clock });
  host.openLink(2);
  expect(() => host.openLink(2)).toThrow('already');
  expect(() => host.openLink(1)).toThrow('already');
});

test('the source is stamped by the host: what a client claims is a target, and a wrong one is dropped', () => {
  const clock = new VirtualClock();
  const host = new HostPeer({ scheduler: clock });
  const [evil, victim] = [rawClient(clock, host, 2), rawClient(clock, host, 3)];
  evil.link.send(system, hello);
  victim.link.send(system, hello);
  clock.advance(10);
  const user = { mode: 'reliable', channel: 0, system: false } as const;
  for (const peer of [1, 2, 3, 0, -3, 77, -77, 2 ** 31 - 1, -(2 ** 31)]) {
    evil.link.send({ ...user, peer }, Uint8Array.of(peer & 0xff));
  }
  evil.link.send(system, encodeStarMessage({ type: 'joined', id: 66 }));
  evil.link.send(system, encodeStarMessage({ type: 'left', id: 3, reason: 'ha' }));
  evil.link.send(system, hello);
  clock.advance(10);
  const got = victim.heard.filter((message) => !message.system);
  expect(got.map((message) => message.peer)).toEqual(got.map(() => 2));
  expect(got.map((message) => message.bytes[0])).toEqual([3, 0, 179, 0]);
  expect(drain(host).map(([from, n]) => [from, n])).toEqual([1, 0, 253, 179, 0].map((n) => [2, n]));
  expect(host.malformed).toBe(4);
  expect(host.peers).toEqual([2, 3]);
});

test('before admission nothing counts but hello: no message in, none out, no broadcast', () => {
  const clock = new VirtualClock();
  const host = new HostPeer({ scheduler: clock });
  const quiet = rawClient(clock, host, 2);
  const inside = rawClient(clock, host, 3);
  inside.link.send(system, hello);
  quiet.link.send({ ...system, system: false }, Uint8Array.of(9));
  quiet.link.send({ ...system, system: false, peer: 3 }, Uint8Array.of(9));
  clock.advance(10);
  host.send(EVERYONE, Uint8Array.of(5));
  clock.advance(10);
  expect(host.receive()).toBeUndefined();
  expect(quiet.heard).toEqual([]);
  expect(inside.heard.filter((message) => !message.system).map((m) => m.bytes[0])).toEqual([5]);
  expect(() => host.send(2, Uint8Array.of(1))).toThrow('no peer 2');
  expect(() => host.disconnectPeer(2)).toThrow('no peer 2');
});

test('a link without hello is closed after twenty seconds, a doubled hello is one admission', () => {
  const clock = new VirtualClock();
  const host = new HostPeer({ scheduler: clock });
  const lines = log(host);
  const silent = rawClient(clock, host, 2);
  const eager = rawClient(clock, host, 3);
  eager.link.send(system, hello);
  eager.link.send(system, hello);
  clock.advance(20_000);
  expect(silent.ended).toEqual(['no hello from this peer']);
  expect(lines).toEqual(['+3']);
  expect(eager.stars()).toEqual([{ type: 'welcome' }]);
});

test('the hello survives a bad network: reliable, and no garbage from late copies', () => {
  const clock = new VirtualClock();
  const conditions = { latencyMs: 50, jitterMs: 200, loss: 0.6, duplicate: 0.5 };
  const hub = new LoopbackHub({
    scheduler: clock,
    openWires: (host, client) => {
      const [a, b] = SimWire.pair(clock, conditions, 5);
      return [a.open(host), b.open(client)];
    },
  });
  const clients = Array.from({ length: 8 }, () => hub.join());
  const lines = log(hub.host);
  clock.advance(8000);
  expect(clients.map((client) => client.status)).toEqual(clients.map(() => 'connected'));
  expect([...lines].sort()).toEqual(clients.map(({ id }) => `+${id}`).sort());
  expect(hub.host.receive()).toBeUndefined();
});

test('a client that vanishes is announced once, after the time-out', () => {
  const clock = new VirtualClock();
  const host = new HostPeer({ scheduler: clock });
  const lines = log(host);
  const client = rawClient(clock, host, 2);
  client.link.send(system, hello);
  clock.advance(10);
  for (const wire of client.wires) wire.setConditions({ loss: 1 });
  client.wires[1].send = () => true;
  clock.advance(13_000);
  expect(lines).toEqual(['+2', '-2 no answer for 10 s']);
});

test('held introductions: apart until introduce, then known and relayed', () => {
  const { clock, hub, host } = star();
  host.holdIntroductions = true;
  const [a, b] = [hub.join(), hub.join()];
  clock.advance(10);
  expect(host.peers).toEqual([2, 3]);
  expect([a.peers, b.peers]).toEqual([[1], [1]]);
  a.send(EVERYONE, Uint8Array.of(1));
  host.introduce(2);
  clock.advance(10);
  expect(b.peers).toEqual([1]);
  host.introduce(3);
  host.introduce(3);
  clock.advance(10);
  expect([a.peers, b.peers]).toEqual([
    [1, 3],
    [1, 2],
  ]);
  a.send(EVERYONE, Uint8Array.of(2));
  clock.advance(10);
  expect(drain(b)).toEqual([[2, 2]]);
  expect(drain(host)).toEqual([
    [2, 1],
    [2, 2],
  ]);
  expect(() => host.introduce(9)).toThrow('no peer 9');
});

test('a slow receiver holds its senders back, bounded, and is let go after ten seconds', () => {
  const clock = new VirtualClock();
  const host = new HostPeer({ scheduler: clock, limits: { reliableBytes: 20_000 } });
  const [sender, slow] = [rawClient(clock, host, 2), rawClient(clock, host, 3)];
  for (const { link } of [sender, slow]) link.send(system, hello);
  clock.advance(10);
  slow.link.pauseReceiving();
  for (let i = 0; i < 200; i++) {
    sender.link.send({ ...system, system: false, peer: 3 }, new Uint8Array(1000));
    clock.advance(10);
  }
  expect(host.bufferedBytes(3)).toBeLessThan(25_000);
  expect(sender.link.stats().pendingReliableBytes).toBeGreaterThan(150_000);
  expect(host.peers).toEqual([2, 3]);
  clock.advance(10_000);
  expect(host.peers).toEqual([2]);
  sender.link.send({ ...system, system: false, peer: 1 }, Uint8Array.of(7));
  clock.advance(10_000);
  expect(drain(host)).toEqual([[2, 7]]);
});

test('a slow receiver that catches up loses nothing', () => {
  const clock = new VirtualClock();
  const host = new HostPeer({ scheduler: clock, limits: { reliableBytes: 20_000 } });
  const [sender, slow] = [rawClient(clock, host, 2), rawClient(clock, host, 3)];
  for (const { link } of [sender, slow]) link.send(system, hello);
  clock.advance(10);
  slow.link.pauseReceiving();
  for (let i = 0; i < 100; i++) {
    sender.link.send({ ...system, system: false, peer: 3 }, new Uint8Array(1000).fill(i));
  }
  clock.advance(3000);
  slow.link.resumeReceiving();
  clock.advance(30_000);
  const got = slow.heard.filter((message) => !message.system).map((message) => message.bytes[0]);
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(host.peers).toEqual([2, 3]);
});

test('a game that does not drain: reliable messages wait at the sender, unreliable ones lose the oldest', () => {
  const { clock, hub, host } = star();
  const client = hub.join();
  clock.advance(10);
  const chunk = new Uint8Array(256 * 1024);
  for (let i = 0; i < 200; i++) {
    if (client.bufferedBytes(SERVER) < 3 * 1024 * 1024) client.send(SERVER, chunk);
    clock.advance(100);
  }
  for (let i = 0; i < 6000; i++) {
    client.send(SERVER, Uint8Array.of(i >> 8, i), { mode: 'unreliable' });
    if (i % 10 === 0) clock.advance(1);
  }
  clock.advance(100);
  const small: number[] = [];
  let held = 0;
  for (let m = host.receive(); m; m = host.receive()) {
    if (m.mode === 'reliable') held += m.bytes.length;
    else small.push(((m.bytes[0] ?? 0) << 8) | (m.bytes[1] ?? 0));
  }
  expect(held).toBeGreaterThan(15 * 1024 * 1024);
  expect(held).toBeLessThan(18 * 1024 * 1024);
  expect(small).toHaveLength(4096);
  expect(small.at(-1)).toBe(5999);
  clock.advance(30_000);
  let later = 0;
  for (let m = host.receive(); m; m = host.receive()) later++;
  expect(later).toBeGreaterThan(0);
  expect(client.bufferedBytes(SERVER)).toBe(0);
});

test('a listener that throws breaks nothing', () => {
  const errors: unknown[] = [];
  const { clock, hub, host } = star({ onListenerError: (error) => errors.push(error) });
  host.events.on('peerConnected', () => {
    throw new Error('mine');
  });
  const client = hub.join();
  clock.advance(10);
  expect(client.status).toBe('connected');
  expect(errors).toEqual([new Error('mine')]);
});

test('star messages: what is encoded is decoded; hostile bytes give only DecodeError', () => {
  const message: fc.Arbitrary<StarMessage> = fc.oneof(
    fc.record({
      type: fc.constant('hello' as const),
      version: fc.nat(65535),
      schema: fc.string({ maxLength: 64 }),
    }),
    fc.record({ type: fc.constant('welcome' as const) }),
    fc.record({
      type: fc.constant('joined' as const),
      id: fc.integer({ min: 2, max: 2 ** 31 - 1 }),
    }),
    fc.record({
      type: fc.constant('left' as const),
      id: fc.integer({ min: 2, max: 2 ** 31 - 1 }),
      reason: fc.string({ unit: 'grapheme', maxLength: 60 }),
    }),
  );
  fc.assert(
    fc.property(message, (value) => {
      expect(decodeStarMessage(encodeStarMessage(value))).toEqual(value);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        decodeStarMessage(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});
