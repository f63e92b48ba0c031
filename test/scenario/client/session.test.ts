import { expect, test } from 'vitest';
import type { NetError } from '../../../packages/partyline/src/base/index.ts';
import type { Session } from '../../../packages/partyline/src/client/index.ts';
import { FakeServer, pageStores, Refusal, SILENCE } from './fake-server.ts';

function states(session: Session): string[] {
  const seen: string[] = [];
  session.events.on('stateChanged', ({ state, reason }) =>
    seen.push(reason ? `${state} ${reason.code}` : state),
  );
  session.events.on('ended', ({ reason }) => seen.push(`ended ${reason.code}`));
  return seen;
}

test('a guest logs in: one request, signed for the challenge that came unasked; the id is made from the key', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  expect(server.requests).toEqual(['session.loginGuest']);
  expect(session.state).toBe('open');
  expect(session.player).toMatch(/^g[a-z2-7]{26}$/);
  expect(Math.abs(session.serverTimeMs() - server.clock.wallClockMs())).toBeLessThan(10);
});

test('a guest is the same player with the same key store, and another under another name', async () => {
  const server = new FakeServer();
  const { keyStore } = pageStores();
  const first = await server.connect({ keyStore });
  const again = await server.connect({ keyStore });
  const other = await server.connect({ keyStore, as: 'bob' });
  expect(again.player).toBe(first.player);
  expect(other.player).not.toBe(first.player);
});

test('a token login asks the function for a token each time', async () => {
  const server = new FakeServer();
  const session = await server.connect({ token: async () => 'a.b.c' });
  expect(session.player).toBe(`u${'a'.repeat(26)}`);
  expect(server.requests).toEqual(['session.loginToken']);
});

test('a server that says we are another player is refused', async () => {
  const server = new FakeServer();
  server.scripts['session.loginGuest'] = ({ sessionKey }) =>
    server.opened(`g${'b'.repeat(26)}`, sessionKey);
  await expect(server.connect()).rejects.toMatchObject({ code: 'CERT_INVALID' });
});

test('a certificate for another session key, another player or from another CA is refused', async () => {
  for (const forge of [
    (server: FakeServer, player: string) => server.certOf(player, 'A'.repeat(43)),
    (server: FakeServer, _: string, key: string) => server.certOf(`g${'b'.repeat(26)}`, key),
    (_: FakeServer, player: string, key: string) => new FakeServer().certOf(player, key),
  ]) {
    const server = new FakeServer();
    server.scripts['session.loginToken'] = ({ sessionKey }) => {
      const player = `u${'a'.repeat(26)}`;
      return { ...server.opened(player, sessionKey), cert: forge(server, player, sessionKey) };
    };
    await expect(server.connect({ token: 't' })).rejects.toMatchObject({ code: 'CERT_INVALID' });
  }
});

test.each(['the challenge', 'the login'])(
  'silence instead of %s ends connect with CONNECT_TIMEOUT',
  async (what) => {
    const server = new FakeServer();
    if (what === 'the challenge') server.greeting = () => undefined;
    else server.scripts['session.loginGuest'] = () => SILENCE;
    await expect(server.connect({ requestTimeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
    });
    expect(server.last.isClosed).toBe(true);
    expect(server.clock.pendingTimers).toBe(0);
  },
);

test('a server that cannot be reached ends connect with CONNECT_FAILED', async () => {
  const server = new FakeServer();
  server.isDown = true;
  await expect(server.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
});

test('a socket that never opens ends connect with CONNECT_TIMEOUT', async () => {
  const server = new FakeServer();
  const deaf = { open: () => ({ bufferedAmount: 0, send() {}, close() {} }) };
  server.open = deaf.open as never; // no connection is made
  await expect(server.connect({ connectTimeoutMs: 3000 })).rejects.toMatchObject({
    code: 'CONNECT_TIMEOUT',
  });
});

test('a token function that never answers does not hold connect longer than its time-out', async () => {
  const server = new FakeServer();
  const token = (): Promise<string> => new Promise(() => {});
  await expect(server.connect({ token })).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
});

test('an aborted connect rejects with the signal’s reason and closes its socket', async () => {
  const server = new FakeServer();
  const aborting = new AbortController();
  server.scripts['session.loginGuest'] = () => {
    aborting.abort(new Error('changed my mind'));
    return SILENCE;
  };
  await expect(server.connect({ signal: aborting.signal })).rejects.toThrow('changed my mind');
  expect(server.last.isClosed).toBe(true);
  expect(server.clock.pendingTimers).toBe(0);
});

test('a lost connection is resumed with the token and the session key; waiting calls go out then', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const seen = states(session);
  server.last.drop();
  await server.clock.advanceAsync(1);
  expect(session.state).toBe('reconnecting');
  const waiting = session.lobbies.list();
  server.scripts['lobby.list'] = () => ({ lobbies: [] });
  expect(await server.settled(waiting)).toEqual([]);
  expect(seen).toEqual(['reconnecting CONNECTION_LOST', 'open']);
  expect(server.requests.slice(1)).toEqual(['session.resume', 'lobby.list', 'session.ping']);
  expect(session.stats().reconnects).toBe(1);
});

test('each resume uses the token of the one before', async () => {
  const server = new FakeServer();
  const used: string[] = [];
  const given: string[] = [];
  server.scripts['session.resume'] = ({ resumeToken, sessionKey }) => {
    used.push(resumeToken);
    const opened = server.opened(server.playerOf(sessionKey), sessionKey);
    given.push(String(opened.resumeToken));
    return { ...opened, lobbies: [] };
  };
  const session = await server.connect();
  for (let i = 0; i < 3; i++) {
    server.last.drop();
    await server.clock.advanceAsync(1000);
  }
  expect(session.state).toBe('open');
  expect(used.slice(1)).toEqual(given.slice(0, -1));
});

test('a call in flight when the connection drops says that it may or may not have taken effect', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  server.scripts['lobby.create'] = (_, connection) => {
    connection.drop();
    return SILENCE;
  };
  await expect(server.settled(session.lobbies.create())).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  });
});

test('attempts go on, ever slower, while the server is away, and end when the seats are gone', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const seen = states(session);
  server.isDown = true;
  server.last.drop();
  await server.clock.advanceAsync(89_000);
  expect(session.state).toBe('reconnecting');
  const attempts = server.connections.length - 1;
  expect(attempts).toBeGreaterThan(15);
  expect(attempts).toBeLessThan(45);
  await server.clock.advanceAsync(10_000);
  expect(seen).toEqual([
    'reconnecting CONNECTION_LOST',
    'closed CONNECTION_LOST',
    'ended CONNECTION_LOST',
  ]);
  expect(server.clock.pendingTimers).toBe(0);
  await expect(session.lobbies.list()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
});

test('a resume that is refused ends the session with the server’s reason', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const seen = states(session);
  server.scripts['session.resume'] = () => new Refusal('SESSION_EXPIRED');
  server.last.drop();
  await server.clock.advanceAsync(2000);
  expect(seen.at(-1)).toBe('ended SESSION_EXPIRED');
});

test('a resume into another CA is refused', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const seen = states(session);
  server.ca[0] = (server.ca[0] ?? 0) ^ 1;
  server.last.drop();
  await server.clock.advanceAsync(2000);
  expect(seen.at(-1)).toBe('ended CERT_INVALID');
});

test('SESSION_REPLACED ends the session, which does not fight for its seat and forgets the way back', async () => {
  const server = new FakeServer();
  const stores = pageStores();
  const session = await server.connect(stores);
  const seen = states(session);
  const call = session.lobbies.list().catch((error: NetError) => error.code);
  server.last.notify('session.ended', { code: 'SESSION_REPLACED', message: 'another tab' });
  await server.clock.advanceAsync(60_000);
  expect(await call).toBe('SESSION_REPLACED');
  expect(seen).toEqual(['closed SESSION_REPLACED', 'ended SESSION_REPLACED']);
  expect(server.connections.length).toBe(1);
  expect(stores.sessionStore.load('game/session/default')).toBeUndefined();
});

test('a reload comes back into the session and its lobbies', async () => {
  const server = new FakeServer();
  const stores = pageStores();
  const before = await server.connect(stores);
  const { member } = server.member(7, { player: before.player });
  server.held = [{ lobby: server.lobby(7, [member]), you: 7 }];
  const after = await server.connect(stores);
  expect(server.requests.slice(1)).toEqual(['session.resume']);
  expect(after.player).toBe(before.player);
  expect([...after.lobbies.joined.values()].map((lobby) => lobby.me.id)).toEqual([7]);
});

test('a reload whose way back is stale logs in anew on the same socket', async () => {
  const server = new FakeServer();
  const stores = pageStores();
  const before = await server.connect(stores);
  server.scripts['session.resume'] = () => new Refusal('SESSION_EXPIRED');
  const after = await server.connect(stores);
  expect(after.player).toBe(before.player);
  expect(server.requests.slice(1)).toEqual([
    'session.resume',
    'session.challenge',
    'session.loginGuest',
  ]);
  expect(server.connections.length).toBe(2);
});

test('a way back into another server’s session is not shown to this one', async () => {
  const server = new FakeServer();
  const stores = pageStores();
  await server.connect(stores);
  await server.connect({ ...stores, server: 'https://other.example' });
  expect(server.requests).not.toContain('session.resume');
});

test('a server that falls silent is found out by the ping, and the session reconnects', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const seen = states(session);
  server.scripts['session.ping'] = () => SILENCE;
  await server.clock.advanceAsync(10_000 + 10_000 + 1000);
  expect(seen).toEqual(['reconnecting CONNECTION_LOST', 'open']);
});

test('pings keep a quiet session open and measure the round trip', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const seen = states(session);
  await server.clock.advanceAsync(100_000);
  expect(seen).toEqual([]);
  expect(session.stats().pingMs).toBe(10);
});

test('a call without an answer ends after its time-out, an aborted one at once', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  server.scripts['lobby.list'] = () => SILENCE;
  const startedAt = server.clock.now();
  await expect(server.settled(session.lobbies.list())).rejects.toMatchObject({
    code: 'REQUEST_TIMEOUT',
  });
  expect(server.clock.now() - startedAt).toBe(10_000);
  const aborting = new AbortController();
  const call = session.lobbies.list({ signal: aborting.signal });
  aborting.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
});

test('a call that waits for the connection ends after its time-out, and was never sent', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  server.isDown = true;
  server.last.drop();
  await server.clock.advanceAsync(1);
  await expect(server.settled(session.lobbies.list())).rejects.toMatchObject({
    code: 'CONNECT_TIMEOUT',
  });
  expect(server.requests).not.toContain('lobby.list');
});

test('the answer to a join that was given up is undone', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const aborting = new AbortController();
  server.scripts['lobby.join'] = () => {
    aborting.abort(new Error('enough'));
    const { member } = server.member(7);
    return { lobby: server.lobby(7, [member]), you: 7 };
  };
  const joining = session.lobbies.join('acd efg', { signal: aborting.signal });
  await expect(server.settled(joining)).rejects.toThrow('enough');
  await server.clock.advanceAsync(20);
  expect(server.requests.at(-1)).toBe('lobby.leave');
  expect(session.lobbies.joined.size).toBe(0);
});

test('a lobby that a lost answer put us in is left after the resume, so that trying again works', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const { member } = server.member(7);
  server.scripts['lobby.create'] = (_, connection) => {
    server.held = [{ lobby: server.lobby(7, [member]), you: 7 }];
    connection.drop();
    return SILENCE;
  };
  await expect(server.settled(session.lobbies.create())).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  });
  await server.clock.advanceAsync(1000);
  expect(session.state).toBe('open');
  expect(server.requests.slice(-2)).toEqual(['lobby.leave', 'session.ping']);
});

test('close logs out, settles even when nobody answers, and ends everything with SESSION_CLOSED', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const seen = states(session);
  server.scripts['session.logout'] = () => SILENCE;
  server.scripts['lobby.list'] = () => SILENCE;
  const call = session.lobbies.list().catch((error: NetError) => error.code);
  await server.settled(session.close(), 2100);
  expect(await call).toBe('SESSION_CLOSED');
  expect(seen).toEqual(['closed SESSION_CLOSED', 'ended SESSION_CLOSED']);
  expect(server.requests).toContain('session.logout');
  expect(server.last.isClosed).toBe(true);
  expect(server.clock.pendingTimers).toBe(0);
  await session.close();
  await expect(session.lobbies.list()).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
});

test('aborting the signal of connect closes the open session', async () => {
  const server = new FakeServer();
  const aborting = new AbortController();
  const session = await server.connect({ signal: aborting.signal });
  const seen = states(session);
  aborting.abort();
  await server.clock.advanceAsync(100);
  expect(seen.at(-1)).toBe('ended SESSION_CLOSED');
});

test('more calls than the limit are refused at once', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  server.scripts['lobby.list'] = () => SILENCE;
  const calls = Array.from({ length: 300 }, () =>
    session.lobbies.list().catch((error: NetError) => error.code),
  );
  expect(await calls.at(-1)).toBe('RATE_LIMITED');
  await server.clock.advanceAsync(10_001);
  const codes = await Promise.all(calls);
  expect(codes.filter((code) => code === 'REQUEST_TIMEOUT').length).toBe(256);
});

test('a request over the limit is refused before it is sent', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  const data = { key: 'x'.repeat(70_000) };
  await expect(session.lobbies.create({ data })).rejects.toMatchObject({
    code: 'REQUEST_TOO_LARGE',
  });
});

test('an error code of a newer server is a SERVER_ERROR that names it', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  server.scripts['lobby.list'] = () => new Refusal('LOBBY_HAUNTED');
  await expect(server.settled(session.lobbies.list())).rejects.toMatchObject({
    code: 'SERVER_ERROR',
    message: expect.stringContaining('LOBBY_HAUNTED'),
  });
});

test('an answer of another shape rejects with the place where it is wrong', async () => {
  const server = new FakeServer();
  const session = await server.connect();
  server.scripts['lobby.list'] = () => ({ lobbies: [{ id: 7 }] });
  await expect(server.settled(session.lobbies.list())).rejects.toMatchObject({
    code: 'SERVER_MESSAGE_INVALID',
    message: expect.stringContaining('.lobbies[0].id'),
  });
});

test('calls of a session that was started go out right behind the login', async () => {
  const server = new FakeServer();
  const session = server.start();
  const call = session.lobbies.list();
  server.scripts['lobby.list'] = () => ({ lobbies: [] });
  server.scripts['session.loginGuest'] = ({ publicKey, sessionKey }) => {
    expect(session.state).toBe('connecting');
    return server.loggedIn(publicKey, sessionKey);
  };
  expect(await server.settled(call)).toEqual([]);
  expect(server.requests).toEqual(['session.loginGuest', 'lobby.list']);
  expect(server.requestTimes[0]).toBe(server.requestTimes[1]);
  await session.opened;
});

test('calls of a session that never opens reject with its reason', async () => {
  const server = new FakeServer();
  server.scripts['session.loginGuest'] = () => new Refusal('APP_FORBIDDEN');
  server.scripts['lobby.list'] = () => new Refusal('AUTH_REQUIRED');
  const session = server.start();
  const calls: Promise<unknown>[] = [session.lobbies.list(), session.opened];
  for (const call of calls) {
    await expect(server.settled(call)).rejects.toMatchObject({ code: 'APP_FORBIDDEN' });
  }
  expect(session.state).toBe('closed');
  expect(server.clock.pendingTimers).toBe(0);
  await expect(session.lobbies.list()).rejects.toMatchObject({ code: 'APP_FORBIDDEN' });
});

test('a call waits no longer than its time for a session that was started', async () => {
  const server = new FakeServer();
  server.greeting = () => undefined;
  const session = server.start({ connectTimeoutMs: 60_000, requestTimeoutMs: 1000 });
  await expect(server.settled(session.lobbies.list())).rejects.toMatchObject({
    code: 'CONNECT_TIMEOUT',
  });
  await session.close();
  await expect(session.opened).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
});

test('a call behind a stored way back waits for its answer, and for the login after a stale one', async () => {
  const server = new FakeServer();
  const stores = pageStores();
  await server.connect(stores);
  server.scripts['session.resume'] = () => new Refusal('SESSION_EXPIRED');
  server.scripts['lobby.list'] = () => ({ lobbies: [] });
  expect(await server.settled(server.start(stores).lobbies.list())).toEqual([]);
  expect(server.requests.slice(1)).toEqual([
    'session.resume',
    'session.challenge',
    'session.loginGuest',
    'lobby.list',
  ]);
});
