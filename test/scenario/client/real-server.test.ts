import { expect, test } from 'vitest';
import {
  connect,
  type Lobby,
  type LobbyEvents,
  type Session,
} from '../../../packages/partyline/src/node/index.ts';
import { pageStores } from './fake-server.ts';
import { startTestServer } from './real-server.ts';

/** The next event of this name. */
function next<K extends keyof LobbyEvents>(lobby: Lobby, name: K): Promise<LobbyEvents[K]> {
  return new Promise((resolve) => lobby.events.on(name, resolve, { once: true }));
}

test('two players meet by code, link and list; talk, change things, signal, kick', async () => {
  await using server = await startTestServer();
  const options = { server: server.url, app: 'game' };
  await using alice = await connect({ ...options, name: 'Alice' });
  await using bob = await connect({ ...options, name: 'Bob' });
  const hers = await alice.lobbies.create({ type: 'public', data: { map: 'ice' } });

  const came = next(hers, 'memberJoined');
  const his = await bob.lobbies.join(hers.inviteLink());
  expect((await came).member.name).toBe('Bob');
  expect(his.data.map).toBe('ice');
  expect([his.isOwner, hers.isOwner]).toEqual([false, true]);

  const listed = await bob.lobbies.list();
  expect(listed.map(({ code }) => code)).toEqual([hers.code]);

  const heard = next(his, 'chatted');
  await hers.chat('hello');
  expect(await heard).toMatchObject({ text: 'hello', from: { name: 'Alice' } });

  const changed = next(his, 'dataChanged');
  await hers.setData({ map: 'lava' });
  expect((await changed).changes).toEqual({ map: 'lava' });

  const signal = new Promise((resolve) => his.signaling.events.on('signal', resolve));
  hers.signaling.send(his.me.id, Uint8Array.of(1, 2, 3));
  expect(await signal).toEqual({ from: hers.me.id, payload: Uint8Array.of(1, 2, 3) });
  expect(his.identityOf(hers.me.id).identity).toBe(`str:${alice.player}`);

  const closed = next(his, 'closed');
  await hers.kick(his.me.id, 'too good');
  expect(await closed).toEqual({ code: 'kicked', reason: 'too good' });
  await expect(bob.lobbies.join(hers.code)).rejects.toMatchObject({ code: 'LOBBY_UNAVAILABLE' });
});

test('an invite lets one in, once', async () => {
  await using server = await startTestServer();
  const options = { server: server.url, app: 'game' };
  await using alice = await connect(options);
  await using bob = await connect(options);
  await using eve = await connect(options);
  const lobby = await alice.lobbies.create();
  const { link, token } = await lobby.createInvite();
  expect((await bob.lobbies.join(link)).id).toBe(lobby.id);
  await expect(eve.lobbies.join(token)).rejects.toMatchObject({ code: 'LOBBY_UNAVAILABLE' });
});

test('apps hear nothing of each other', async () => {
  await using server = await startTestServer();
  await using alice = await connect({ server: server.url, app: 'game' });
  await using bob = await connect({ server: server.url, app: 'other' });
  const lobby = await alice.lobbies.create({ type: 'public' });
  expect(await bob.lobbies.list()).toEqual([]);
  for (const target of [lobby.code, { id: lobby.id }]) {
    await expect(bob.lobbies.join(target)).rejects.toMatchObject({ code: 'LOBBY_UNAVAILABLE' });
  }
  await expect(connect({ server: server.url, app: 'nobody' })).rejects.toMatchObject({
    code: 'APP_UNKNOWN',
  });
});

test('a reload comes back into its seat; the page that was left over is told and does not fight', async () => {
  await using server = await startTestServer();
  const options = { server: server.url, app: 'game' };
  await using alice = await connect(options);
  const hers = await alice.lobbies.create();
  const stores = pageStores();
  const before = await connect({ ...options, ...stores });
  const his = await before.lobbies.join(hers.code);
  const ended = new Promise((resolve) => before.events.on('ended', resolve));

  const copy = { ...stores, sessionStore: pageStores().sessionStore };
  const way = stores.sessionStore.load('game/session/default');
  copy.sessionStore.save('game/session/default', way);
  await using after = await connect({ ...options, ...copy });

  expect(await ended).toMatchObject({ reason: { code: 'SESSION_REPLACED' } });
  expect(after.player).toBe(before.player);
  expect(after.lobbies.joined.get(hers.id)?.me.id).toBe(his.me.id);
  expect(hers.members.length).toBe(2);
});

test('a server that stops says so, and everything of the session ends', async () => {
  const server = await startTestServer();
  const session = await connect({ server: server.url, app: 'game' });
  const lobby = await session.lobbies.create();
  const closed = next(lobby, 'closed');
  const ended = new Promise((resolve) => session.events.on('ended', resolve));
  await server.close();
  expect(await ended).toMatchObject({ reason: { code: 'SERVER_SHUTTING_DOWN' } });
  expect(await closed).toMatchObject({ code: 'sessionEnded' });
  await expect(lobby.chat('anybody?')).rejects.toMatchObject({ code: 'LOBBY_CLOSED' });
});

test('a text over every limit is refused before it leaves, and costs the session nothing', async () => {
  await using server = await startTestServer();
  await using session: Session = await connect({ server: server.url, app: 'game' });
  const lobby = await session.lobbies.create();
  await expect(lobby.chat('x'.repeat(10_000_000))).rejects.toMatchObject({
    code: 'REQUEST_TOO_LARGE',
  });
  await expect(lobby.chat('x'.repeat(3000))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  await lobby.chat('fine');
});
