import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Multiplayer, rpc, SERVER } from '../../packages/partyline/src/multiplayer/index.ts';
import { openPeer } from '../../packages/partyline/src/node/index.ts';
import { lobbyOfThree, until } from './lobby-of-three.ts';

test('with all wires allowed WebRTC carries every link, and rpcs go over it', async () => {
  await using net = await lobbyOfThree({});
  const said: string[] = [];
  const objects = [net.host, ...net.clients].map((peer) =>
    new Multiplayer({ peer }).object('chat', {
      say: rpc({ mode: 'anyPeer' }, ({ remoteSender }, text: string) => {
        said.push(`${peer.id} hears ${remoteSender} say ${text}`);
      }),
    }),
  );
  const [a, b] = net.clients;
  expect([a, b].map((client) => client.stats(SERVER)?.wire)).toEqual(['webrtc', 'webrtc']);
  objects[1]?.rpc('say', 'hello');
  await until(() => said.length === 2);
  expect(said.sort()).toEqual(
    [`1 hears ${a.id} say hello`, `${b.id} hears ${a.id} say hello`].sort(),
  );
});

test('relay and WebRTC opened side by side: the link moves to WebRTC and nothing is lost or doubled', async () => {
  await using net = await lobbyOfThree({ timing: { relayAfterMs: 0 } });
  const [a] = net.clients;
  const got: number[] = [];
  net.host.events.on('readable', () => {
    for (let m = net.host.receive(); m; m = net.host.receive()) {
      if (m.from === a.id) got.push(new DataView(m.bytes.buffer).getUint32(0));
    }
  });
  let sent = 0;
  for (const end = Date.now() + 4000; Date.now() < end; await delay(5)) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, sent++);
    a.send(SERVER, bytes);
  }
  await net.settle();
  expect(a.stats(SERVER)?.wire).toBe('webrtc');
  expect(got).toEqual(Array.from({ length: sent }, (_, i) => i));
});

test('kick: the reason arrives, and the others hear it', async () => {
  await using net = await lobbyOfThree({});
  const [lobby] = net.lobbies;
  const [a, b] = net.clients;
  const reasons: string[] = [];
  a.events.on('statusChanged', ({ reason }) => reasons.push(`a ${reason}`));
  b.events.on('peerDisconnected', ({ id, reason }) => reasons.push(`b: ${id} ${reason}`));
  const victim = net.host.memberOf(a.id);
  await lobby.kick(victim?.id ?? 0, 'cheating');
  await until(() => reasons.length === 2);
  expect(reasons.sort()).toEqual(['a cheating', `b: ${a.id} cheating`]);
});

test('the host leaves: clients end with "host left", and play again in the next epoch', async () => {
  await using net = await lobbyOfThree({});
  const [lobby, second, third] = net.lobbies;
  const reasons: (string | undefined)[] = [];
  for (const client of net.clients) {
    client.events.on('statusChanged', ({ reason }) => reasons.push(reason));
  }
  await lobby.leave();
  await until(() => reasons.length === 2 && second.epoch === third.epoch);
  expect(reasons).toEqual(['host left', 'host left']);
  const seats = second.isOwner ? [second, third] : [third, second];
  const [owner, other] = seats;
  if (!owner || !other) throw new Error('two are left');
  await until(() => owner.isOwner && !other.isOwner);
  const host = await openPeer(owner);
  const client = await openPeer(other);
  expect([host.id, host.peers]).toEqual([1, [client.id]]);
  await Promise.all([client.close(), host.close()]);
});
