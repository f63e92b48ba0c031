import { expect, test } from 'vitest';
import { EVERYONE } from '../../../packages/partyline/src/multiplayer/index.ts';
import { LobbyPeer } from '../../../packages/partyline/src/peers/index.ts';
import { mulberry32, VirtualClock } from '../../../packages/partyline/src/testing/index.ts';
import { FakeLobby } from './fake-lobby.ts';

/** One opened peer, and what its game saw of each other. */
interface Player {
  readonly id: number;
  readonly peer: LobbyPeer;
  readonly connected: Set<number>;
  /** Connections to each other, all of them. */
  readonly meetings: Map<number, number>;
  readonly heard: string[];
}

const seeds = [1, 2, 3];

/**
 * Up to twelve members at random: they join, leave, are kicked, reload, lose and find the server, the
 * owner changes; signals are lost, doubled, late; direct ways are blocked, cut and free again.
 */
async function play(seed: number) {
  const random = mulberry32(seed);
  const clock = new VirtualClock();
  const lobby = new FakeLobby(clock);
  const players = new Map<number, Player>();
  const opened: LobbyPeer[] = [];
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)];
  const ids = (): number[] => [...players.keys()];
  let nextId = 11;
  let isCalm = false;
  let said = 0;
  let isOver = false;
  lobby.signalDelays = () => {
    if (isCalm) return [5];
    const delay = (): number => 2 + random() * (random() < 0.2 ? 3000 : 60);
    if (random() < 0.2) return [];
    return random() < 0.2 ? [delay(), delay()] : [delay()];
  };

  const open = async (id: number): Promise<void> => {
    const seat = lobby.seats.get(id);
    if (!seat) return;
    const peer = await LobbyPeer.open(seat.lobby, seat.environment, { topology: 'mesh' });
    const player: Player = { id, peer, connected: new Set(), meetings: new Map(), heard: [] };
    players.set(id, player);
    opened.push(peer);
    peer.events.on('peerConnected', ({ id: other }) => {
      expect(player.connected.has(other), `seed ${seed}: ${id} met ${other} twice`).toBe(false);
      player.connected.add(other);
      player.meetings.set(other, (player.meetings.get(other) ?? 0) + 1);
    });
    peer.events.on('peerDisconnected', ({ id: other }) => {
      expect(player.connected.delete(other), `seed ${seed}: ${other} left ${id} twice`).toBe(true);
    });
    peer.events.on('readable', () => {
      for (let m = peer.receive(); m; m = peer.receive()) {
        expect(player.connected.has(m.from), `seed ${seed}: a stranger was heard`).toBe(true);
        const text = new TextDecoder().decode(m.bytes);
        expect(text.startsWith(`${m.from} `)).toBe(true);
        if (!isOver) player.heard.push(text);
      }
    });
  };
  const join = async (): Promise<void> => {
    if (players.size >= 12) return;
    const id = nextId++;
    lobby.join(id, ['gns', 'relay']);
    await open(id);
  };
  const reload = async (id: number): Promise<void> => {
    lobby.silence(id);
    lobby.renew(id);
    await open(id);
  };
  const leave = (id: number): void => {
    players.delete(id);
    lobby.leave(id, random() < 0.5 ? 'left' : 'kicked', 'bye');
  };
  const step = async (): Promise<void> => {
    const id = pick(ids());
    const other = pick(ids());
    const what = random();
    if (id === undefined || what < 0.25) await join();
    else if (what < 0.33 && players.size > 2) leave(id);
    else if (what < 0.4) await reload(id);
    else if (what < 0.46) lobby.setOwner(id);
    else if (what < 0.52) lobby.disconnect(id);
    else if (what < 0.6) lobby.reconnect(id);
    else if (other !== undefined && other !== id) {
      if (what < 0.68) lobby.direct.block(id, other);
      else if (what < 0.76) lobby.direct.unblock(id, other);
      else if (what < 0.88) lobby.direct.cut(id, other, { oneSided: random() < 0.5 });
    }
    for (const player of players.values()) {
      if (player.peer.peers.length > 0) player.peer.send(EVERYONE, text(`${player.id} ${said++}`));
    }
  };

  await join();
  for (let i = 0; i < 70; i++) {
    await step();
    await clock.advanceAsync(random() * (random() < 0.1 ? 20_000 : 1500));
  }
  isCalm = true;
  for (const id of ids()) lobby.reconnect(id);
  await clock.advanceAsync(150_000);
  return { clock, lobby, players, opened, end: () => (isOver = true) };
}

test.each(seeds)(
  'seed %s: each is met once at a time, and in the end everybody has everybody, and hears all',
  async (seed) => {
    const { clock, lobby, players, opened, end } = await play(seed);
    const ids = [...players.keys()].sort((a, b) => a - b);
    expect(ids.length).toBeGreaterThan(3);
    const before = new Map(
      [...players.values()].map(({ id, meetings }) => [id, [...meetings].toString()]),
    );
    for (const { id, peer, connected, heard } of players.values()) {
      expect(peer.peers, `seed ${seed}: ${id}`).toEqual(ids.filter((other) => other !== id));
      expect(new Set(peer.peers)).toEqual(connected);
      heard.length = 0;
    }
    // A last storm, with cuts on the way: nothing reliable is lost, doubled or out of order.
    const random = mulberry32(seed);
    for (let i = 0; i < 60; i++) {
      for (const { id, peer } of players.values()) peer.send(EVERYONE, text(`${id} ${i}`));
      const [a = 0, b = 0] = [0, 0].map(() => ids[Math.floor(random() * ids.length)] ?? 0);
      if (i % 4 === 0 && a !== b) lobby.direct.cut(a, b);
      await clock.advanceAsync(50);
    }
    await clock.advanceAsync(60_000);
    for (const { id, heard, meetings } of players.values()) {
      for (const other of ids.filter((one) => one !== id)) {
        const all = Array.from({ length: 60 }, (_, i) => `${other} ${i}`);
        expect(heard.filter((line) => line.startsWith(`${other} `))).toEqual(all);
      }
      expect([...meetings].toString()).toBe(before.get(id));
    }
    end();
    const closed = opened.map((peer) => peer.close());
    await clock.advanceAsync(60_000);
    await Promise.all(closed);
    expect([clock.pendingTimers, lobby.direct.size]).toEqual([0, 0]);
  },
);

function text(of: string): Uint8Array {
  return new TextEncoder().encode(of);
}
