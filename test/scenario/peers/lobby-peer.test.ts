import { expect, test } from 'vitest';
import { SERVER } from '../../../packages/partyline/src/multiplayer/index.ts';
import { LobbyPeer, type LobbyPeerOptions } from '../../../packages/partyline/src/peers/index.ts';
import { VirtualClock } from '../../../packages/partyline/src/testing/index.ts';
import { FakeLobby, type Seat } from './fake-lobby.ts';

const open = ({ lobby, environment }: Seat, options?: LobbyPeerOptions): Promise<LobbyPeer> =>
  LobbyPeer.open(lobby, environment, options);

function log(peer: LobbyPeer): string[] {
  const lines: string[] = [];
  peer.events.on('peerConnected', ({ id }) => lines.push(`+${id}`));
  peer.events.on('peerDisconnected', ({ id, reason }) => lines.push(`-${id} ${reason}`));
  peer.events.on('statusChanged', ({ status, reason }) => lines.push(`${status} ${reason ?? ''}`));
  return lines;
}

/** A promise's end as text, without waiting for it. */
function outcome(promise: Promise<unknown>): { text: string } {
  const result = { text: 'pending' };
  promise.then(
    () => {
      result.text = 'resolved';
    },
    (error: { code?: string; message?: string }) => {
      result.text = `${error.code ?? ''} ${error.message ?? String(error)}`;
    },
  );
  return result;
}

async function game(clients = 2) {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  const host = await open(lobby.join(10));
  const seats = Array.from({ length: clients }, (_, i) => lobby.join(11 + i));
  const opening = Promise.all(seats.map((seat) => open(seat)));
  await clock.advanceAsync(3000);
  return { clock, lobby, host, clients: await opening, logs: [host, ...(await opening)].map(log) };
}

async function closeAll(clock: VirtualClock, peers: readonly LobbyPeer[]): Promise<void> {
  const closed = peers.map((peer) => peer.close());
  await clock.advanceAsync(60_000);
  await Promise.all(closed);
  expect(clock.pendingTimers).toBe(0);
}

test('the owner’s peer is there at once as 1; a client’s when the host admitted it, with the lobby’s number', async () => {
  const { clock, host, clients } = await game();
  expect([host.id, ...clients.map(({ id }) => id)]).toEqual([1, 111, 112]);
  expect(host.peers).toEqual([111, 112]);
  expect(clients[0]?.peers).toEqual([1, 112]);
  expect(host.memberOf(111)?.name).toBe('Player 11');
  expect(host.stats(111)?.wire).toBe('relay');
  await closeAll(clock, [host, ...clients]);
});

test('a client may come before the host has opened, and after others play', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  const owner = lobby.join(10);
  const client = outcome(open(lobby.join(11)));
  await clock.advanceAsync(8000);
  expect(client.text).toBe('pending');
  const host = await open(owner);
  await clock.advanceAsync(4000);
  expect(client.text).toBe('resolved');
  expect(host.peers).toEqual([111]);
});

test('signals get lost: knocking goes on', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  let n = 0;
  lobby.passesSignal = () => n++ >= 3;
  await open(lobby.join(10));
  const client = outcome(open(lobby.join(11)));
  await clock.advanceAsync(10_000);
  expect(client.text).toBe('resolved');
});

test('no host: PEER_CONNECT_TIMEOUT says what was tried, and everything is released', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  lobby.join(10);
  const client = outcome(open(lobby.join(11), { timeoutMs: 7000 }));
  await clock.advanceAsync(6900);
  expect(client.text).toBe('pending');
  await clock.advanceAsync(5000);
  expect(client.text).toBe(
    'PEER_CONNECT_TIMEOUT the host did not answer in 7000 ms (webrtc: not possible for both sides; relay: the other side did not answer)',
  );
  await clock.advanceAsync(60_000);
  expect(clock.pendingTimers).toBe(0);
});

test('no wire in common: PEER_CONNECT_FAILED at once', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  lobby.join(10, ['gns']);
  const client = outcome(open(lobby.join(11)));
  await clock.advanceAsync(100);
  expect(client.text).toBe(
    'PEER_CONNECT_FAILED no wire to the host (webrtc: not possible for both sides; relay: not possible for both sides)',
  );
  await clock.advanceAsync(60_000);
  expect(clock.pendingTimers).toBe(0);
});

test('refused by the host: PEER_CONNECT_FAILED with its reason', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  await open(lobby.join(10), { schema: 'old' });
  const client = outcome(open(lobby.join(11), { schema: 'new' }));
  await clock.advanceAsync(3000);
  expect(client.text).toMatch(/^PEER_CONNECT_FAILED version skew: the host has schema old/);
});

test('a host that proves nothing: PEER_CONNECT_FAILED, and not a byte is delivered', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  const owner = lobby.join(10);
  const forged = { ...owner, lobby: { ...owner.lobby, sign: () => new Uint8Array(64) } };
  Object.defineProperties(
    forged.lobby,
    Object.getOwnPropertyDescriptors({ isOwner: true, me: owner.lobby.me }),
  );
  await open(forged);
  const client = outcome(open(lobby.join(11)));
  await clock.advanceAsync(15_000);
  expect(client.text).toMatch(
    /^PEER_CONNECT_FAILED no wire to the host .*could not prove who it is/,
  );
});

test('aborting: rejects with the signal’s reason while opening, closes afterwards', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  const owner = lobby.join(10);
  const abort = new AbortController();
  const client = outcome(open(lobby.join(11), { signal: abort.signal }));
  await clock.advanceAsync(1000);
  abort.abort(new Error('changed my mind'));
  await clock.advanceAsync(10_000);
  expect(client.text).toBe(' changed my mind');
  await expect(open(owner, { signal: abort.signal })).rejects.toThrow('changed my mind');
  const later = new AbortController();
  const host = await open(owner, { signal: later.signal });
  later.abort();
  expect(host.status).toBe('disconnected');
  await clock.advanceAsync(60_000);
  expect(clock.pendingTimers).toBe(0);
});

test('a lobby that is closed: LOBBY_CLOSED', async () => {
  const lobby = new FakeLobby(new VirtualClock());
  const seat = lobby.join(10);
  lobby.leave(10);
  await expect(open(seat)).rejects.toThrow(expect.objectContaining({ code: 'LOBBY_CLOSED' }));
});

test('who leaves, is kicked or drops out of the lobby is disconnected with the reason', async () => {
  const { clock, lobby, clients, logs } = await game(4);
  lobby.leave(11);
  lobby.leave(12, 'kicked', 'rude');
  lobby.disconnect(13);
  await clock.advanceAsync(3000);
  expect(logs[0]).toEqual([
    '-111 left the lobby',
    '-112 rude',
    '-113 lost the connection to the server',
  ]);
  expect(logs[4]?.sort()).toEqual(logs[0]?.slice().sort());
  expect(logs[2]?.at(-1)).toBe('disconnected rude');
  expect(logs[3]?.at(-1)).toBe('disconnected lost the connection to the server');
  expect(clients.map(({ status }) => status).slice(3)).toEqual(['connected']);
});

test('who came back to the lobby may open again, as the same peer', async () => {
  const { clock, lobby, host } = await game(1);
  lobby.disconnect(11);
  await clock.advanceAsync(3000);
  const seat = lobby.seats.get(11);
  if (!seat) throw new Error('the seat is held');
  const early = outcome(open(seat));
  await clock.advanceAsync(3000);
  expect([early.text, host.peers]).toEqual(['pending', []]);
  lobby.reconnect(11);
  await clock.advanceAsync(5000);
  expect([early.text, host.peers]).toEqual(['resolved', [111]]);
});

test('a page that was reloaded without a word: the new peer replaces the old one', async () => {
  const { clock, lobby, host, logs } = await game(1);
  const seat = lobby.seats.get(11);
  if (!seat) throw new Error('there is a seat');
  lobby.relay.cut(11);
  const again = outcome(open(seat));
  await clock.advanceAsync(4000);
  expect(again.text).toBe('resolved');
  expect(logs[0]).toEqual(['-111 connected anew', '+111']);
  expect(host.peers).toEqual([111]);
});

test('a member that knocks with ever new numbers gets new wires once a second at most', async () => {
  const { clock, lobby, host, logs } = await game(1);
  const seat = lobby.seats.get(11);
  for (let i = 1; i <= 300; i++) {
    const knock = Uint8Array.of(0x4b, 0, 0, 0, i >> 8, i & 0xff);
    seat?.lobby.signaling.send(10, knock);
    seat?.lobby.signaling.send(10, knock.subarray(0, 4));
    await clock.advanceAsync(10);
  }
  expect(lobby.relay.seen.length).toBeLessThan(100);
  expect(logs[0]).toEqual(['-111 connected anew']);
  expect(host.status).toBe('connected');
});

test('kicked, left or ended while opening: LOBBY_CLOSED with the reason, and everything is released', async () => {
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  lobby.join(10);
  const client = outcome(open(lobby.join(11)));
  const other = outcome(open(lobby.join(12)));
  await clock.advanceAsync(500);
  lobby.leave(11, 'kicked', 'rude');
  lobby.leave(12);
  await clock.advanceAsync(3000);
  expect(client.text).toBe('LOBBY_CLOSED rude');
  expect(other.text).toBe('LOBBY_CLOSED lobby left');
  await clock.advanceAsync(60_000);
  expect(clock.pendingTimers).toBe(0);
});

test('memberOf: who had the number in this epoch, also when they left or all numbers have changed', async () => {
  const { lobby, host, clients } = await game(3);
  const [client] = clients;
  const names: (string | undefined)[] = [];
  host.events.on('peerDisconnected', ({ id }) => names.push(host.memberOf(id)?.name));
  client?.events.on('peerDisconnected', ({ id }) => names.push(client.memberOf(id)?.name));
  lobby.leave(13);
  expect(names).toEqual(['Player 13']);
  lobby.setOwner(12);
  expect(lobby.seats.get(10)?.lobby.members.map(({ peer }) => peer)).toEqual([210, 211, 1]);
  const all = ['Player 10', 'Player 11', 'Player 12', 'Player 12', 'Player 13'];
  expect(names.slice(1).sort()).toEqual(all);
  expect(host.memberOf(999)).toBeUndefined();
});

test.each([0, -1, Number.NaN])('timeoutMs %s is the caller’s mistake', async (timeoutMs) => {
  const lobby = new FakeLobby(new VirtualClock());
  lobby.join(10);
  await expect(open(lobby.join(11), { timeoutMs })).rejects.toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID' }),
  );
});

test('a server that gives two members one number: the first keeps it, nothing throws', async () => {
  const { clock, lobby, host } = await game(1);
  const seat = lobby.join(12);
  Object.assign(seat.lobby.me, { peer: 111 });
  const second = outcome(open(seat, { timeoutMs: 5000 }));
  await clock.advanceAsync(9000);
  expect(host.peers).toEqual([111]);
  expect(host.memberOf(111)?.name).toBe('Player 11');
  expect(second.text).toMatch(/^PEER_CONNECT_TIMEOUT/);
});

test('the host leaves: everybody ends with "host left", exactly once, and the next epoch can open', async () => {
  const { clock, lobby, logs } = await game(2);
  lobby.leave(10);
  await clock.advanceAsync(5000);
  expect(logs[1]).toEqual(['-112 host left', '-1 host left', 'disconnected host left']);
  expect(logs[2]).toEqual(['-111 host left', '-1 host left', 'disconnected host left']);
  const [next, other] = [lobby.seats.get(11), lobby.seats.get(12)];
  if (!next || !other) throw new Error('two are left');
  const host = await open(next);
  const client = outcome(open(other));
  await clock.advanceAsync(5000);
  expect(host.id).toBe(1);
  expect([client.text, host.peers]).toEqual(['resolved', [212]]);
});

test('the host drops out: the same; a new owner by hand: the old host ends, too', async () => {
  const first = await game(1);
  first.lobby.disconnect(10);
  await first.clock.advanceAsync(5000);
  expect(first.logs[1]?.at(-1)).toBe('disconnected host left');
  const second = await game(1);
  second.lobby.setOwner(11);
  await second.clock.advanceAsync(5000);
  expect(second.logs[0]?.at(-1)).toBe('disconnected the lobby has another host');
  expect(second.logs[1]?.at(-1)).toBe('disconnected host left');
});

test('the relay server restarts: nobody is disconnected, nothing reliable is lost or doubled', async () => {
  const { clock, lobby, host, clients, logs } = await game(1);
  const [client] = clients;
  const got: number[] = [];
  host.events.on('readable', () => {
    for (let m = host.receive(); m; m = host.receive()) got.push(m.bytes[0] ?? -1);
  });
  for (let i = 0; i < 60; i++) {
    client?.send(SERVER, Uint8Array.of(i));
    if (i === 20) lobby.relay.cut(10);
    if (i === 40) lobby.relay.cut(11);
    await clock.advanceAsync(50);
  }
  await clock.advanceAsync(8000);
  expect(got).toEqual(Array.from({ length: 60 }, (_, i) => i));
  expect(logs.flat()).toEqual([]);
});

test('closing releases sockets, timers and listeners', async () => {
  const { clock, host, clients, lobby } = await game(2);
  await closeAll(clock, [host, ...clients]);
  const before = lobby.relay.seen.length;
  lobby.setOwner(11);
  await clock.advanceAsync(60_000);
  expect(lobby.relay.seen.length).toBe(before);
});
