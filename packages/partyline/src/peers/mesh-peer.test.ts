import { expect, test } from 'vitest';
import type { MultiplayerPeer } from '../multiplayer/index.ts';
import { SERVER } from '../multiplayer/index.ts';
import { SimWire, VirtualClock } from '../testing/index.ts';
import { Link } from './link.ts';
import type { LinkMessage } from './link-receiver.ts';
import { HELLO_TIMEOUT_MS } from './linked-peer.ts';
import { LoopbackMesh } from './loopback.ts';
import { createMesh, type MeshPeer } from './mesh-peer.ts';
import { encodeStarMessage, type StarMessage } from './star-messages.ts';

function log(peer: MultiplayerPeer): string[] {
  const lines: string[] = [];
  peer.events.on('peerConnected', ({ id }) => lines.push(`+${id}`));
  peer.events.on('peerDisconnected', ({ id, reason }) => lines.push(`-${id} ${reason}`));
  peer.events.on('readable', () => {
    for (let m = peer.receive(); m; m = peer.receive()) lines.push(`${m.from}: ${m.bytes}`);
  });
  return lines;
}

function join(clock: VirtualClock, a: MeshPeer, b: MeshPeer): void {
  const [ofA, ofB] = SimWire.pair(clock, { latencyMs: 20, jitterMs: 20, loss: 0.1 }, a.id * b.id);
  a.addPeer(b.id, (handlers) => ofA.open(handlers));
  b.addPeer(a.id, (handlers) => ofB.open(handlers));
}

/** A peer written by somebody hostile: a bare link to the mesh peer. */
function rawPeer(clock: VirtualClock, peer: MeshPeer, id: number) {
  const [a, b] = SimWire.pair(clock);
  const heard: LinkMessage[] = [];
  const ended: string[] = [];
  const link = new Link(clock, {
    onMessage: (message) => heard.push(message),
    onWireLost: () => {},
    onEnded: (reason) => ended.push(reason),
    onDrained: () => {},
  });
  peer.addPeer(id, (handlers) => a.open(handlers));
  link.attach(b.open(link.handlersFor(() => b)));
  const say = (message: StarMessage): void =>
    link.send(
      { mode: 'reliable', channel: 0, peer: SERVER, system: true },
      encodeStarMessage(message),
    );
  const send = (to: number, n: number): void =>
    link.send({ mode: 'reliable', channel: 0, peer: to, system: false }, Uint8Array.of(n));
  return { link, heard, ended, say, send };
}

const hello: StarMessage = { type: 'hello', version: 1, schema: '' };

test('createMesh and addPeer: explicit ids, one link each, over any wire', async () => {
  const clock = new VirtualClock();
  const [a, b, c] = [
    createMesh(1, { scheduler: clock }),
    createMesh(7, { scheduler: clock }),
    createMesh(2 ** 31 - 1, { scheduler: clock }),
  ];
  const logs = [a, b, c].map(log);
  expect([a.status, a.peers]).toEqual(['connected', []]);
  join(clock, a, b);
  join(clock, c, a);
  await clock.advanceAsync(3000);
  expect([a.peers, b.peers, c.peers]).toEqual([[7, 2 ** 31 - 1], [1], [1]]);
  b.send(-1, Uint8Array.of(1)); // all but 1: nobody
  expect(() => b.send(c.id, Uint8Array.of(1))).toThrow(
    expect.objectContaining({ code: 'PEER_UNKNOWN' }),
  );
  expect(() => a.addPeer(7, () => SimWire.pair(clock)[0])).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID' }),
  );
  await clock.advanceAsync(3000);
  expect(logs).toEqual([['+7', `+${c.id}`], ['+1'], ['+1']]);
});

test.each([0, -1, 2 ** 31, 1.5, Number.NaN])('an id of %s cannot be made', (id) => {
  expect(() => createMesh(id, { scheduler: new VirtualClock() })).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID' }),
  );
});

test('two peers of one id in a mesh: the second is refused', () => {
  const mesh = new LoopbackMesh({ scheduler: new VirtualClock() });
  mesh.join(5);
  expect(() => mesh.join(5)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});

test('who a message is from is the link: a peer field, a message before the welcome, a second hello are malformed or dropped', async () => {
  const clock = new VirtualClock();
  const peer = createMesh(1, { scheduler: clock });
  const lines = log(peer);
  const raw = rawPeer(clock, peer, 9);
  raw.send(SERVER, 1);
  raw.say(hello);
  raw.send(SERVER, 2);
  await clock.advanceAsync(100);
  expect(lines).toEqual([]); // not welcome yet
  raw.say({ type: 'welcome' });
  raw.send(SERVER, 3);
  raw.send(7, 4);
  raw.send(-5, 5);
  raw.say(hello);
  raw.say({ type: 'welcome' });
  raw.say({ type: 'joined', id: 77 });
  raw.say({ type: 'left', id: 77, reason: '' });
  await clock.advanceAsync(100);
  expect(lines).toEqual(['+9', '9: 3']);
  expect([peer.malformed, peer.peers]).toEqual([6, [9]]);
});

test('a peer that says nothing is closed after twenty seconds, and nobody hears of it', async () => {
  const clock = new VirtualClock();
  const peer = createMesh(1, { scheduler: clock });
  const lines = log(peer);
  const raw = rawPeer(clock, peer, 9);
  await clock.advanceAsync(HELLO_TIMEOUT_MS + 100);
  expect(raw.ended).toEqual(['no hello from this peer']);
  expect([lines, peer.hasLink(9)]).toEqual([[], false]);
});

test('what differs is refused on both sides, with a reason that names both', async () => {
  const clock = new VirtualClock();
  const [a, b] = [1, 2].map((id) => createMesh(id, { scheduler: clock, schema: `s${id}` })) as [
    MeshPeer,
    MeshPeer,
  ]; // two ids
  const lines = [a, b].map(log);
  const ended: [number, string, boolean][] = [];
  const [ofA, ofB] = SimWire.pair(clock);
  a.openLink(2, { onEnded: (reason, isFinal) => ended.push([1, reason, isFinal]) });
  b.openLink(1, { onEnded: (reason, isFinal) => ended.push([2, reason, isFinal]) });
  const [toA, toB] = [a.wireHandlers(2, () => ofA), b.wireHandlers(1, () => ofB)];
  if (!toA || !toB) throw new Error('both were opened');
  a.attach(2, ofA.open(toA));
  b.attach(1, ofB.open(toB));
  await clock.advanceAsync(5000);
  expect(ended.sort()).toEqual([
    [1, 'version skew: peer 1 has schema s1, peer 2 s2; update the older one', true],
    [2, 'version skew: peer 2 has schema s2, peer 1 s1; update the older one', true],
  ]);
  expect(lines).toEqual([[], []]);
});
