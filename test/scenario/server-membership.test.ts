import { expect, test } from 'vitest';
import { ControlClient, type LoggedIn, testServer } from './control-client.ts';

/** A lobby of `alice` that `bob` joined. */
async function meet(url: string, settings: object = {}) {
  const alice = await ControlClient.open(url);
  const bob = await ControlClient.open(url);
  const aliceLogin = await alice.login();
  const bobLogin = await bob.login();
  const { lobby, you } = await alice.call('lobby.create', settings);
  const joined = await bob.call('lobby.join', { by: { type: 'code', code: lobby.code } });
  return { alice, bob, aliceLogin, bobLogin, lobby, aliceId: you, bobId: joined.you, joined };
}

async function resume(url: string, login: LoggedIn, token = login.resumeToken) {
  const client = await ControlClient.open(url);
  const params = await client.resumeParams('arena', login.keys, token);
  return { client, opened: await client.call('session.resume', params) };
}

test('a join is told to the others, once, with the next revision; the joiner gets the whole', async () => {
  await using server = await testServer();
  const { alice, bob, joined, bobId } = await meet(server.url);
  const event = await alice.event('memberJoined');
  expect(event.member).toMatchObject({ id: bobId, peer: 2, connected: true });
  expect(joined.lobby.members).toHaveLength(2);
  expect(alice.notices).toHaveLength(1);
  expect(alice.notices[0]?.params.revision).toBe(joined.lobby.revision);
  expect(bob.notices).toEqual([]);
});

test('pipelined changes come behind the answer of the join, each revision once', async () => {
  await using server = await testServer();
  const { alice, lobby } = await meet(server.url);
  await using carol = await ControlClient.open(server.url);
  await carol.login();
  const changes = Array.from({ length: 20 }, (_, n) =>
    alice.call('lobby.setData', { lobby: lobby.id, set: { n: String(n) } }),
  );
  const joined = await carol.call('lobby.join', { by: { type: 'code', code: lobby.code } });
  expect(carol.notices).toEqual([]);
  await Promise.all(changes);
  await carol.until(() =>
    joined.lobby.data.n === '19' || carol.events().length > 0 ? true : undefined,
  );
  await carol.call('session.ping', {});
  const revisions = carol.notices.map(({ params }) => params.revision);
  expect(revisions).toEqual(revisions.map((_, n) => joined.lobby.revision + 1 + n));
});

test('an invite is good for one join, and good again when the join came to nothing', async () => {
  await using server = await testServer();
  const { alice, bob, lobby } = await meet(server.url, { capacity: 2 });
  const { token } = await alice.call('lobby.invite', { lobby: lobby.id });
  await using carol = await ControlClient.open(server.url);
  await using dave = await ControlClient.open(server.url);
  await carol.login();
  await dave.login();
  const by = { type: 'invite', token } as const;
  expect(await carol.refused('lobby.join', { by })).toBe('LOBBY_UNAVAILABLE');
  await bob.call('lobby.leave', { lobby: lobby.id });
  await carol.call('lobby.join', { by });
  await carol.call('lobby.leave', { lobby: lobby.id });
  expect(await dave.refused('lobby.join', { by })).toBe('LOBBY_UNAVAILABLE');
});

test('a kick is told to all with its reason; the kicked hears nothing more and stays out', async () => {
  await using server = await testServer();
  const { alice, bob, lobby, bobId } = await meet(server.url);
  await alice.call('lobby.kick', { lobby: lobby.id, member: bobId, reason: 'afk' });
  const left = { type: 'memberLeft', member: bobId, cause: 'kicked', reason: 'afk' };
  expect(await bob.event('memberLeft')).toEqual(left);
  expect(await alice.event('memberLeft')).toEqual(left);
  await alice.call('lobby.chat', { lobby: lobby.id, text: 'gone' });
  expect(await bob.refused('lobby.chat', { lobby: lobby.id, text: 'hey' })).toBe(
    'LOBBY_NOT_MEMBER',
  );
  const by = { type: 'code', code: lobby.code };
  expect(await bob.refused('lobby.join', { by })).toBe('LOBBY_UNAVAILABLE');
  expect(bob.notices.filter(({ method }) => method === 'lobby.chatted')).toEqual([]);
});

test('chat reaches every member, in one order', async () => {
  await using server = await testServer();
  const { alice, bob, lobby, aliceId } = await meet(server.url);
  await alice.call('lobby.chat', { lobby: lobby.id, text: 'one' });
  await bob.call('lobby.chat', { lobby: lobby.id, text: 'two' });
  const lines = ({ notices }: ControlClient): unknown[] =>
    notices.filter(({ method }) => method === 'lobby.chatted').map(({ params }) => params.text);
  await alice.until(() => (lines(alice).length === 2 ? true : undefined));
  expect(lines(alice)).toEqual(['one', 'two']);
  expect(lines(bob)).toEqual(['one', 'two']);
  expect(bob.notices[0]?.params.from).toBe(aliceId);
});

test('a drop: shown, ownership passes in one event, the seat is held and taken again by a resume', async () => {
  await using server = await testServer();
  const { alice, bob, aliceLogin, aliceId, bobId, lobby } = await meet(server.url);
  alice.ws.terminate();
  const changed = await bob.event('ownerChanged');
  expect(changed).toMatchObject({ owner: bobId, epoch: 2 });
  expect(bob.events().map(({ type }) => type)).toEqual(['memberDisconnected', 'ownerChanged']);
  const { client, opened } = await resume(server.url, aliceLogin);
  expect(opened.player).toBe(aliceLogin.player);
  expect(opened.lobbies).toMatchObject([{ you: aliceId, lobby: { id: lobby.id, owner: bobId } }]);
  await bob.event('memberReconnected');
  await client.call('lobby.setReady', { lobby: lobby.id, ready: true });
  await bob.event('memberReadyChanged');
});

test('a held seat ends after its time: told as expired, and the session cannot be resumed', async () => {
  await using server = await testServer({ seatHoldMs: 150 });
  const { alice, bob, bobLogin, bobId } = await meet(server.url);
  bob.ws.terminate();
  expect(await alice.event('memberLeft')).toMatchObject({ member: bobId, cause: 'expired' });
  await using late = await ControlClient.open(server.url);
  const params = await late.resumeParams('arena', bobLogin.keys, bobLogin.resumeToken);
  expect(await late.refused('session.resume', params)).toBe('SESSION_EXPIRED');
});

test('a resume ends the older socket with SESSION_REPLACED; the others see a drop and a return', async () => {
  await using server = await testServer();
  const { alice, bob, bobLogin, bobId, lobby } = await meet(server.url);
  const { client } = await resume(server.url, bobLogin);
  expect(await bob.closed).toEqual({ code: 4001, reason: 'SESSION_REPLACED' });
  expect(bob.notices.at(-1)).toMatchObject({
    method: 'session.ended',
    params: { code: 'SESSION_REPLACED' },
  });
  await alice.event('memberReconnected');
  const types = alice.events().map(({ type }) => type);
  expect(types).toEqual(['memberJoined', 'memberDisconnected', 'memberReconnected']);
  const { lobby: now } = await client.call('lobby.get', { lobby: lobby.id });
  expect(now.members.find(({ id }) => id === bobId)?.connected).toBe(true);
});

test('a resume token is good once: using it again ends the session that came of it', async () => {
  await using server = await testServer();
  const { bobLogin } = await meet(server.url);
  const { client, opened } = await resume(server.url, bobLogin);
  await client.call('session.ping', {});
  await using third = await ControlClient.open(server.url);
  const again = await third.resumeParams('arena', bobLogin.keys, bobLogin.resumeToken);
  expect(await third.refused('session.resume', again)).toBe('SESSION_EXPIRED');
  expect(await client.closed).toEqual({ code: 4001, reason: 'SESSION_REPLACED' });
  const next = await third.resumeParams('arena', bobLogin.keys, opened.resumeToken);
  expect(await third.refused('session.resume', next)).toBe('SESSION_EXPIRED');
});

test('a resume whose answer was lost can be repeated, until the client was heard', async () => {
  await using server = await testServer();
  const { bobLogin, bobId } = await meet(server.url);
  const { client: reloaded } = await resume(server.url, bobLogin);
  const { client: again, opened } = await resume(server.url, bobLogin);
  expect(await reloaded.closed).toEqual({ code: 4001, reason: 'SESSION_REPLACED' });
  expect(opened.lobbies).toMatchObject([{ you: bobId }]);
  await again.call('session.ping', {});
  await using late = await ControlClient.open(server.url);
  const spent = await late.resumeParams('arena', bobLogin.keys, bobLogin.resumeToken);
  expect(await late.refused('session.resume', spent)).toBe('SESSION_EXPIRED');
});

test('the token alone resumes nothing and ends nothing: the session key must sign', async () => {
  await using server = await testServer();
  const { alice, bob, bobLogin, aliceLogin } = await meet(server.url);
  await using thief = await ControlClient.open(server.url);
  const stolen = await thief.resumeParams('arena', aliceLogin.keys, bobLogin.resumeToken);
  expect(await thief.refused('session.resume', stolen)).toBe('SESSION_EXPIRED');
  const own = await thief.resumeParams('arena', aliceLogin.keys, bobLogin.resumeToken);
  const forged = {
    ...own,
    sessionKey: (await thief.resumeParams('arena', bobLogin.keys, '')).sessionKey,
  };
  await thief.call('session.challenge', { app: 'arena' });
  expect(await thief.refused('session.resume', forged)).toBe('AUTH_FAILED');
  const foreign = await thief.resumeParams('other', bobLogin.keys, bobLogin.resumeToken);
  expect(await thief.refused('session.resume', { ...foreign, app: 'other' })).toBe(
    'SESSION_EXPIRED',
  );
  await bob.call('session.ping', {});
  await alice.call('session.ping', {});
});

test('a logout leaves every lobby and cannot be resumed', async () => {
  await using server = await testServer();
  const { alice, bob, bobLogin, bobId } = await meet(server.url);
  await bob.call('session.logout', {});
  expect(await alice.event('memberLeft')).toMatchObject({ member: bobId, cause: 'left' });
  expect(await bob.closed).toMatchObject({ code: 1000 });
  await using late = await ControlClient.open(server.url);
  const params = await late.resumeParams('arena', bobLogin.keys, bobLogin.resumeToken);
  expect(await late.refused('session.resume', params)).toBe('SESSION_EXPIRED');
});

test('a session is in so many lobbies and no more, also when it asks for all at once', async () => {
  await using server = await testServer({ limits: { lobbiesPerSession: 3 } });
  await using client = await ControlClient.open(server.url);
  await client.login();
  const asked = Array.from({ length: 6 }, () => client.callAny('lobby.create', {}));
  const settled = await Promise.allSettled(asked);
  expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
});

test('public lobbies are listed with filters until they are full, locked or gone', async () => {
  await using server = await testServer();
  const { alice, bob, lobby } = await meet(server.url, {
    type: 'public',
    capacity: 3,
    data: { level: '7' },
  });
  const level = (value: number) => [{ type: 'number', key: 'level', op: 'ge', value }] as const;
  const listed = async (filters: ReturnType<typeof level> | [] = []): Promise<string[]> => {
    const { lobbies } = await bob.call('lobby.list', { filters: [...filters] });
    return lobbies.map(({ id }) => id);
  };
  expect(await listed(level(7))).toEqual([lobby.id]);
  expect(await listed(level(8))).toEqual([]);
  await alice.call('lobby.setSettings', { lobby: lobby.id, joinable: false });
  expect(await listed()).toEqual([]);
  await alice.call('lobby.setSettings', { lobby: lobby.id, joinable: true, capacity: 2 });
  expect(await listed()).toEqual([]);
  await alice.call('lobby.setSettings', { lobby: lobby.id, capacity: 4 });
  expect(await listed()).toEqual([lobby.id]);
  await bob.call('lobby.leave', { lobby: lobby.id });
  await alice.call('lobby.leave', { lobby: lobby.id });
  expect(await listed()).toEqual([]);
  expect(server.stats().lobbies).toBe(0);
});

test('a shutdown tells every session and closes every socket in time', async () => {
  const server = await testServer({ shutdownMs: 10_000 });
  const { alice, bob } = await meet(server.url);
  const startedMs = performance.now();
  await server[Symbol.asyncDispose]();
  expect(performance.now() - startedMs).toBeLessThan(5000);
  for (const client of [alice, bob]) {
    expect(await client.closed).toEqual({ code: 1001, reason: 'SERVER_SHUTTING_DOWN' });
    expect(client.notices.at(-1)).toMatchObject({ params: { code: 'SERVER_SHUTTING_DOWN' } });
  }
  await expect(ControlClient.open(server.url)).rejects.toThrow();
});

test('a socket that stops answering pings is a drop', async () => {
  await using server = await testServer({ keepAliveMs: 60 });
  const { alice, bob, bobId } = await meet(server.url);
  bob.ws.pause(); // as a machine that went to sleep: nothing is read, nothing is answered
  expect(await alice.event('memberDisconnected')).toMatchObject({ member: bobId });
  bob.ws.resume();
});
