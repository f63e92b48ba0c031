import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EVERYONE } from '../../packages/partyline/src/multiplayer/index.ts';
import { openPeer } from '../../packages/partyline/src/node/index.ts';
import type { LobbyPeer } from '../../packages/partyline/src/peers/index.ts';
import { lobbyOfThree, until } from './lobby-of-three.ts';

const mesh = { topology: 'mesh' } as const;

/** What each peer hears, as `sender:number`, and who came and went. */
function record(peer: LobbyPeer): { readonly heard: string[]; readonly events: string[] } {
  const heard: string[] = [];
  const events: string[] = [];
  peer.events.on('readable', () => {
    for (let m = peer.receive(); m; m = peer.receive()) {
      heard.push(`${m.from}:${new DataView(m.bytes.buffer).getUint32(0)}`);
    }
  });
  peer.events.on('peerConnected', ({ id }) => events.push(`+${id}`));
  peer.events.on('peerDisconnected', ({ id }) => events.push(`-${id}`));
  return { heard, events };
}

function number(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

const saidBy = (peer: LobbyPeer, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${peer.id}:${i}`);

test.each([
  { wire: 'gns', capabilities: ['gns', 'relay'] },
  { wire: 'webrtc', capabilities: ['webrtc', 'relay'] },
])(
  'mesh: every link moves from the relay to $wire while all talk, and nothing is lost or doubled',
  async ({ wire, capabilities }) => {
    await using net = await lobbyOfThree({ ...mesh, timing: { relayAfterMs: 0 } }, capabilities);
    const [a, b] = net.clients;
    const records = [a, b].map(record);
    let sent = 0;
    const isThere = (): boolean =>
      [a, b].every((peer) => peer.peers.every((id) => peer.stats(id)?.wire === wire));
    for (const end = Date.now() + 10_000; Date.now() < end && !isThere(); await delay(5)) {
      net.host.send(EVERYONE, number(sent++));
    }
    net.host.send(EVERYONE, number(sent++));
    await net.settle();
    expect(isThere()).toBe(true);
    expect(records.map(({ heard }) => heard)).toEqual([
      saidBy(net.host, sent),
      saidBy(net.host, sent),
    ]);
    expect(records.map(({ events }) => events)).toEqual([[], []]);
  },
);

test('mesh: the owner leaves mid-game: the others’ link and numbers stay, and a newcomer is met', async () => {
  await using net = await lobbyOfThree(mesh, ['gns', 'relay']);
  const [first, second, third] = net.lobbies;
  const [a, b] = net.clients;
  const records = [a, b].map(record);
  for (let i = 0; i < 50; i++) {
    a.send(b.id, number(i));
    if (i === 20) await first.leave();
    await delay(2);
  }
  await until(() => records.every(({ events }) => events.length === 1));
  await until(() => second.epoch > 1 && third.epoch > 1);
  await net.settle();
  expect(records[1]?.heard).toEqual(saidBy(a, 50));
  expect(records.map(({ events }) => events)).toEqual([[`-${net.host.id}`], [`-${net.host.id}`]]);
  const session = await net.join();
  const late = await openPeer(await session.lobbies.join(second.code), mesh);
  await until(() => late.peers.length === 2);
  expect(late.peers).toEqual([a.id, b.id].sort((x, y) => x - y));
  await late.close();
});

test('mesh: a member is kicked: its peer ends with the reason, the others hear it once', async () => {
  await using net = await lobbyOfThree(mesh, ['webrtc', 'relay']);
  const [a, b] = net.clients;
  const reasons: string[] = [];
  a.events.on('statusChanged', ({ reason }) => reasons.push(`a ${reason}`));
  b.events.on('peerDisconnected', ({ id, reason }) => reasons.push(`b: ${id} ${reason}`));
  await net.lobbies[0].kick(a.id, 'cheating');
  await until(() => reasons.length === 2);
  expect(reasons.sort()).toEqual(['a cheating', `b: ${a.id} cheating`]);
});
