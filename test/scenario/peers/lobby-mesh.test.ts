import { expect, test } from 'vitest';
import { EVERYONE } from '../../../packages/partyline/src/multiplayer/index.ts';
import { LobbyPeer, type LobbyPeerOptions } from '../../../packages/partyline/src/peers/index.ts';
import { VirtualClock } from '../../../packages/partyline/src/testing/index.ts';
import { FakeLobby, type Seat } from './fake-lobby.ts';

const wires = ['gns', 'relay'];

const open = ({ lobby, environment }: Seat, options: LobbyPeerOptions = {}): Promise<LobbyPeer> =>
  LobbyPeer.open(lobby, environment, { topology: 'mesh', ...options });

function log(peer: LobbyPeer): string[] {
  const lines: string[] = [];
  peer.events.on('peerConnected', ({ id }) => lines.push(`+${id}`));
  peer.events.on('peerDisconnected', ({ id, reason }) => lines.push(`-${id} ${reason}`));
  peer.events.on('statusChanged', ({ status, reason }) => lines.push(`${status} ${reason ?? ''}`));
  return lines;
}

/** Every message, as `sender:number`. */
function hear(peer: LobbyPeer): string[] {
  const heard: string[] = [];
  peer.events.on('readable', () => {
    for (let m = peer.receive(); m; m = peer.receive()) {
      heard.push(`${m.from}:${new DataView(m.bytes.buffer, m.bytes.byteOffset).getUint32(0)}`);
    }
  });
  return heard;
}

function number(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

async function mesh(members = 3, capabilities: readonly string[] = wires) {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  const ids = Array.from({ length: members }, (_, i) => 11 + i);
  const seats = ids.map((id) => lobby.join(id, capabilities));
  const peers = await Promise.all(seats.map((seat) => open(seat)));
  const logs = peers.map(log);
  const heard = peers.map(hear);
  await clock.advanceAsync(3000);
  return { clock, lobby, ids, seats, peers, logs, heard };
}

type Mesh = Awaited<ReturnType<typeof mesh>>;

async function closeAll({ clock, lobby }: Mesh, peers: readonly LobbyPeer[]): Promise<void> {
  const closed = peers.map((peer) => peer.close());
  await clock.advanceAsync(60_000);
  await Promise.all(closed);
  expect([clock.pendingTimers, lobby.direct.size]).toEqual([0, 0]);
}

/** What a mesh of these ids has said, once each. */
const met = (ids: readonly number[], id: number): string[] =>
  ids.filter((other) => other !== id).map((other) => `+${other}`);

test('open at once, and each pair meets once although both begin at the same time', async () => {
  const net = await mesh(5);
  const { ids, peers, logs, lobby } = net;
  expect(peers.map(({ id }) => id)).toEqual(ids);
  expect(peers.map(({ status }) => status)).toEqual(Array(5).fill('connected'));
  expect(logs.map((lines) => lines.sort())).toEqual(ids.map((id) => met(ids, id)));
  expect(lobby.direct.opened).toBe(10);
  expect(peers[0]?.memberOf(13)?.name).toBe('Player 13');
  expect(peers[0]?.stats(13)?.wire).toBe('gns');
  await closeAll(net, peers);
});

test('late joiners meet all who are there, and hear nothing that was said before', async () => {
  const net = await mesh(3);
  const { clock, lobby, peers, logs } = net;
  peers[0]?.send(EVERYONE, number(1));
  await clock.advanceAsync(1000);
  const late = await open(lobby.join(20, wires));
  const heard = hear(late);
  await clock.advanceAsync(1000);
  expect(late.peers).toEqual([11, 12, 13]);
  expect(logs.map((lines) => lines.at(-1))).toEqual(['+20', '+20', '+20']);
  late.send(-12, number(2));
  peers[1]?.send(20, number(3));
  await clock.advanceAsync(1000);
  expect(heard).toEqual(['12:3']);
  expect(net.heard).toEqual([['20:2'], ['11:1'], ['11:1', '20:2']]);
  await closeAll(net, [...peers, late]);
});

test('who joins the lobby without opening a mesh is nobody’s peer, and costs a few signals', async () => {
  const net = await mesh(2);
  const { clock, lobby, peers } = net;
  lobby.join(20, wires);
  let signals = 0;
  lobby.passesSignal = () => {
    signals++;
    return true;
  };
  await clock.advanceAsync(600_000);
  expect(peers.map((peer) => peer.peers)).toEqual([[12], [11]]);
  expect(signals).toBeLessThan(100);
  await closeAll(net, peers);
});

test('a star and a mesh in one lobby do not take each other for their own', async () => {
  const net = await mesh(2);
  const { clock, lobby, peers } = net;
  const star = open(lobby.join(20, wires), { topology: 'star', timeoutMs: 5000 });
  const failed = expect(star).rejects.toThrow(/the host did not answer/);
  await clock.advanceAsync(8000);
  await failed;
  expect(peers.map((peer) => peer.peers)).toEqual([[12], [11]]);
  await closeAll(net, peers);
});

test('the owner leaves, twice: numbers and links stay, nothing is lost, and newcomers come in', async () => {
  const net = await mesh(4);
  const { clock, lobby, peers, logs, heard } = net;
  for (const lines of logs) lines.length = 0;
  for (let i = 0; i < 100; i++) {
    peers[3]?.send(13, number(i));
    if (i === 30) lobby.leave(11);
    if (i === 60) lobby.setOwner(14);
    await clock.advanceAsync(20);
  }
  const late = await open(lobby.join(30, wires));
  await clock.advanceAsync(2000);
  expect(heard[2]).toEqual(Array.from({ length: 100 }, (_, i) => `14:${i}`));
  expect(logs.slice(1)).toEqual(Array(3).fill(['-11 left the lobby', '+30']));
  expect(logs[0]?.at(-1)).toBe('disconnected lobby left');
  expect(late.peers).toEqual([12, 13, 14]);
  expect(peers[1]?.peers).toEqual([13, 14, 30]);
  await closeAll(net, [...peers, late]);
});

test('kicked: the others hear the reason once, and the member’s own peer ends with it', async () => {
  const net = await mesh(3);
  const { clock, lobby, peers, logs } = net;
  for (const lines of logs) lines.length = 0;
  lobby.leave(12, 'kicked', 'rude');
  await clock.advanceAsync(5000);
  expect(logs[0]).toEqual(['-12 rude']);
  expect(logs[2]).toEqual(['-12 rude']);
  expect(logs[1]?.at(-1)).toBe('disconnected rude');
  await closeAll(net, peers);
});

test('a member that loses the server and comes back keeps its links', async () => {
  const net = await mesh(3);
  const { clock, lobby, peers, logs, heard } = net;
  for (const lines of logs) lines.length = 0;
  lobby.disconnect(12);
  peers[1]?.send(13, number(1));
  await clock.advanceAsync(20_000);
  peers[0]?.send(12, number(2));
  await clock.advanceAsync(20_000);
  lobby.reconnect(12);
  await clock.advanceAsync(20_000);
  expect(logs).toEqual([[], [], []]);
  expect([heard[1], heard[2]]).toEqual([['11:2'], ['12:1']]);
  await closeAll(net, peers);
});

test('a member that crashes is gone after ten seconds, and back when its seat opens a new mesh', async () => {
  const net = await mesh(3);
  const { clock, lobby, peers, logs } = net;
  for (const lines of logs) lines.length = 0;
  lobby.disconnect(12);
  lobby.silence(12);
  await clock.advanceAsync(15_000);
  expect(logs[0]).toEqual(['-12 no answer for 10 s']);
  lobby.reconnect(12);
  const seat = lobby.renew(12);
  const again = await open(seat);
  await clock.advanceAsync(4000);
  expect(logs[0]).toEqual(['-12 no answer for 10 s', '+12']);
  expect(logs[2]).toEqual(['-12 no answer for 10 s', '+12']);
  expect(again.peers).toEqual([11, 13]);
  await closeAll(net, [...peers, again]);
});

test('a page that was reloaded without a word: the new peer replaces the old one at once', async () => {
  const net = await mesh(2);
  const { clock, lobby, peers, logs } = net;
  for (const lines of logs) lines.length = 0;
  lobby.silence(12);
  const again = await open(lobby.renew(12));
  await clock.advanceAsync(3000);
  expect(logs[0]).toEqual(['-12 connected anew', '+12']);
  expect(again.peers).toEqual([11]);
  await closeAll(net, [...peers, again]);
});

test('disconnectPeer, a schema that differs, refuseNewConnections: for good, until the game opens anew', async () => {
  const net = await mesh(3);
  const { clock, lobby, peers, logs } = net;
  for (const lines of logs) lines.length = 0;
  const [a, b] = peers;
  a?.disconnectPeer(12, 'too far away');
  await clock.advanceAsync(120_000);
  expect([logs[0], logs[1]]).toEqual([['-12 too far away'], ['-11 too far away']]);
  const closed = b?.close('again');
  await clock.advanceAsync(2000);
  await closed;
  const again = await open(lobby.renew(12));
  await clock.advanceAsync(3000);
  expect(again.peers).toEqual([11, 13]);
  if (a) a.refuseNewConnections = true;
  const refused = await open(lobby.join(20, wires));
  const other = await open(lobby.join(21, wires), { schema: 'new' });
  const third = await open(lobby.join(22, wires), { schema: 'old' });
  await clock.advanceAsync(120_000);
  expect(refused.peers).toEqual([12, 13, 21, 22]);
  expect([other.peers, third.peers]).toEqual([
    [12, 13, 20],
    [12, 13, 20],
  ]);
  await closeAll(net, [...peers, again, refused, other, third]);
});

test('a pair without a direct way plays by the relay after five seconds, and moves when the way opens', async () => {
  const net = await mesh(0);
  const { clock, lobby } = net;
  lobby.direct.block(11, 12);
  const peers = await Promise.all(
    [11, 12, 13].map((id) => open(lobby.join(id, wires), { timing: { webrtcRetryMs: 4000 } })),
  );
  const logs = peers.map(log);
  const heard = peers.map(hear);
  const changes: string[] = [];
  peers[0]?.events.on('wireChanged', ({ id, wire }) => changes.push(`${id} ${wire}`));
  await clock.advanceAsync(4000);
  expect(peers.map((peer) => peer.peers)).toEqual([[13], [13], [11, 12]]);
  await clock.advanceAsync(3000);
  expect(peers.map((peer) => peer.peers)).toEqual([
    [12, 13],
    [11, 13],
    [11, 12],
  ]);
  expect(peers[0]?.stats(12)?.wire).toBe('relay');
  lobby.direct.unblock(11, 12);
  for (let i = 0; i < 600; i++) {
    peers[0]?.send(12, number(i));
    peers[1]?.send(11, number(i));
    await clock.advanceAsync(50);
  }
  await clock.advanceAsync(5000);
  expect(peers[0]?.stats(12)?.wire).toBe('gns');
  expect(changes).toEqual(['12 gns']);
  expect(heard[1]).toEqual(Array.from({ length: 600 }, (_, i) => `11:${i}`));
  expect(heard[0]).toEqual(Array.from({ length: 600 }, (_, i) => `12:${i}`));
  expect(logs.map((lines) => lines.length)).toEqual([2, 2, 2]);
  await closeAll(net, peers);
});

test.each(['both sides', 'one side'])(
  'a pair that is cut mid-game, noticed by %s: the relay at once, nothing lost or doubled, no second peerConnected, and back',
  async (noticed) => {
    const net = await mesh(3);
    const { clock, lobby, peers, logs, heard } = net;
    for (const lines of logs) lines.length = 0;
    const [a, b] = peers;
    for (let i = 0; i < 1000; i++) {
      if (i === 100) {
        lobby.direct.block(11, 12);
        lobby.direct.cut(11, 12, { oneSided: noticed === 'one side' });
      }
      if (i === 500) lobby.direct.unblock(11, 12);
      a?.send(12, number(i));
      b?.send(11, number(i));
      await clock.advanceAsync(50);
      if (i === 300)
        expect([a, b].map((peer, at) => peer?.stats(12 - at)?.wire)).toEqual(['relay', 'relay']);
    }
    await clock.advanceAsync(30_000);
    const all = (from: number): string[] => Array.from({ length: 1000 }, (_, i) => `${from}:${i}`);
    expect(heard[1]).toEqual(all(11));
    expect(heard[0]).toEqual(all(12));
    expect(logs).toEqual([[], [], []]);
    expect(a?.stats(12)?.wire).toBe('gns');
    await closeAll(net, peers);
  },
);
