import { once } from 'node:events';
import { connect } from 'node:net';
import { limits } from '@partyline/protocol';
import { encodeFrame, FrameType } from 'partyline/protocol/signaling';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { ControlClient, newKeys, testServer } from './control-client.ts';

const LOBBY = 'A'.repeat(22);

test.each([
  ['not JSON', '{"jsonrpc"', null],
  ['an array', '[]', null],
  ['a number', '7', null],
  ['null', 'null', null],
  ['no id', '{"jsonrpc":"2.0","method":"session.ping"}', null],
  ['a text as id', '{"jsonrpc":"2.0","id":"x","method":"session.ping"}', null],
  ['another version', '{"jsonrpc":"1.0","id":4,"method":"session.ping"}', 4],
  ['no method', '{"jsonrpc":"2.0","id":5}', 5],
])('%s: REQUEST_MALFORMED, and the socket lives', async (_what, frame, id) => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  client.ws.send(frame);
  const stray = await client.until(() => client.strays[0]);
  expect(stray).toMatchObject({
    id,
    error: { code: -32_600, data: { code: 'REQUEST_MALFORMED' } },
  });
  await client.call('session.ping', {});
});

test('unknown methods and wrong parameters are typed errors', async () => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  expect(await client.refused('session.fly', {})).toBe('REQUEST_UNKNOWN_METHOD');
  expect(await client.refused('toString', {})).toBe('REQUEST_UNKNOWN_METHOD');
  expect(await client.refused('session.challenge', {})).toBe('REQUEST_INVALID');
  expect(await client.refused('session.challenge', undefined)).toBe('REQUEST_INVALID');
  expect(await client.refused('session.challenge', { app: 'A B' })).toBe('REQUEST_INVALID');
  expect(await client.refused('session.challenge', { app: 'unknown' })).toBe('APP_UNKNOWN');
});

test('before the login every lobby method says AUTH_REQUIRED', async () => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  expect(await client.refused('lobby.create', {})).toBe('AUTH_REQUIRED');
  expect(await client.refused('lobby.list', {})).toBe('AUTH_REQUIRED');
  expect(await client.refused('session.logout', {})).toBe('AUTH_REQUIRED');
});

test('a frame over the limit closes its socket with 1009 and says why; others play on', async () => {
  await using server = await testServer();
  await using rude = await ControlClient.open(server.url);
  await using other = await ControlClient.open(server.url);
  await rude.login();
  rude.ws.send(
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'lobby.chat', params: 'x'.repeat(10_000_000) }),
  );
  expect(await rude.closed).toEqual({
    code: 1009,
    reason: 'REQUEST_TOO_LARGE: docs/limits.md has the sizes',
  });
  await other.login();
});

test('a chat line over its limit is a typed error', async () => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  await client.login();
  const { lobby } = await client.call('lobby.create', {});
  const long = 'x'.repeat(limits.chatLength + 1);
  expect(await client.refused('lobby.chat', { lobby: lobby.id, text: long })).toBe(
    'REQUEST_INVALID',
  );
});

test('full, locked, missing, private and of another app: one answer', async () => {
  await using server = await testServer();
  await using owner = await ControlClient.open(server.url);
  await using other = await ControlClient.open(server.url);
  await using foreign = await ControlClient.open(server.url);
  await owner.login();
  await other.login();
  await foreign.login('other');
  const make = async (settings: object) => (await owner.call('lobby.create', settings)).lobby;
  const full = await make({ capacity: 1 });
  const locked = await make({ joinable: false });
  const hidden = await make({});
  const open = await make({ type: 'public' });
  const join = (client: ControlClient, by: object) => client.refused('lobby.join', { by });
  expect(await join(other, { type: 'code', code: full.code })).toBe('LOBBY_UNAVAILABLE');
  expect(await join(other, { type: 'code', code: locked.code })).toBe('LOBBY_UNAVAILABLE');
  expect(await join(other, { type: 'code', code: 'ACDEFG' })).toBe('LOBBY_UNAVAILABLE');
  expect(await join(other, { type: 'id', id: hidden.id })).toBe('LOBBY_UNAVAILABLE');
  expect(await join(other, { type: 'id', id: LOBBY })).toBe('LOBBY_UNAVAILABLE');
  expect(await join(other, { type: 'invite', token: 'A'.repeat(32) })).toBe('LOBBY_UNAVAILABLE');
  expect(await join(foreign, { type: 'code', code: open.code })).toBe('LOBBY_UNAVAILABLE');
  expect(await join(foreign, { type: 'id', id: open.id })).toBe('LOBBY_UNAVAILABLE');
});

test('failed joins are limited per address and app; who waits may try again', async () => {
  const rateLimits = { failedJoin: { perSecond: 10, burst: 3 } };
  await using server = await testServer({ rateLimits });
  await using client = await ControlClient.open(server.url);
  await using foreign = await ControlClient.open(server.url);
  await client.login();
  await foreign.login('other');
  const guess = { by: { type: 'code', code: 'ACDEFG' } };
  for (let n = 0; n < 3; n++) {
    expect(await client.refused('lobby.join', guess)).toBe('LOBBY_UNAVAILABLE');
  }
  const error = await client.callAny('lobby.join', guess).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: 'RATE_LIMITED' });
  expect(await foreign.refused('lobby.join', guess)).toBe('LOBBY_UNAVAILABLE');
});

test('guesses sent all at once are limited as those sent one by one; joins that succeed cost nothing', async () => {
  const rateLimits = { failedJoin: { perSecond: 0.001, burst: 3 } };
  await using server = await testServer({ rateLimits, limits: { lobbiesPerSession: 100 } });
  await using owner = await ControlClient.open(server.url);
  await using client = await ControlClient.open(server.url);
  await owner.login();
  await client.login();
  const { lobby } = await owner.call('lobby.create', {});
  for (let n = 0; n < 5; n++) {
    await client.call('lobby.join', { by: { type: 'code', code: lobby.code } });
    await client.call('lobby.leave', { lobby: lobby.id });
  }
  const guess = { by: { type: 'code', code: 'ACDEFG' } };
  const guesses = Array.from({ length: 20 }, () => client.refused('lobby.join', guess));
  const answers = await Promise.all(guesses);
  expect(answers.filter((code) => code === 'LOBBY_UNAVAILABLE')).toHaveLength(3);
  expect(answers.filter((code) => code === 'RATE_LIMITED')).toHaveLength(17);
});

test('lobbies created from one address are limited, whatever the session', async () => {
  await using server = await testServer({ rateLimits: { create: { perSecond: 0.001, burst: 2 } } });
  await using first = await ControlClient.open(server.url);
  await using second = await ControlClient.open(server.url);
  await first.login();
  await second.login();
  await first.call('lobby.create', {});
  await second.call('lobby.create', {});
  expect(await first.refused('lobby.create', {})).toBe('RATE_LIMITED');
  expect(await second.refused('lobby.create', {})).toBe('RATE_LIMITED');
});

test('every lobby method answers a stranger and another app’s id as if there were no lobby', async () => {
  await using server = await testServer();
  await using owner = await ControlClient.open(server.url);
  await using stranger = await ControlClient.open(server.url);
  await using foreign = await ControlClient.open(server.url);
  await owner.login();
  await stranger.login();
  await foreign.login('other');
  const { lobby: made, you } = await owner.call('lobby.create', { type: 'public' });
  const methods: readonly (readonly [string, object])[] = [
    ['lobby.leave', {}],
    ['lobby.get', {}],
    ['lobby.setData', { set: { a: '1' } }],
    ['lobby.setMemberData', { set: { a: '1' } }],
    ['lobby.setReady', { ready: true }],
    ['lobby.setSettings', { joinable: false }],
    ['lobby.setOwner', { member: you }],
    ['lobby.kick', { member: you }],
    ['lobby.chat', { text: 'hello' }],
    ['lobby.invite', {}],
    ['lobby.relayTicket', {}],
  ];
  for (const [method, params] of methods) {
    for (const client of [stranger, foreign]) {
      const there = await client.refused(method, { lobby: made.id, ...params });
      const missing = await client.refused(method, { lobby: LOBBY, ...params });
      expect([method, there]).toEqual([method, 'LOBBY_NOT_MEMBER']);
      expect(missing).toBe(there);
    }
  }
  const { lobbies } = await foreign.call('lobby.list', {});
  expect(lobbies).toEqual([]);
  expect(owner.events()).toEqual([]);
});

test('signals: stamped with the sender, dropped and counted for strangers, malformed or too large ones', async () => {
  await using server = await testServer();
  await using alice = await ControlClient.open(server.url);
  await using bob = await ControlClient.open(server.url);
  await using eve = await ControlClient.open(server.url);
  for (const client of [alice, bob, eve]) await client.login();
  const { lobby, you: aliceId } = await alice.call('lobby.create', {});
  const { you: bobId } = await bob.call('lobby.join', { by: { type: 'code', code: lobby.code } });
  const payload = Uint8Array.of(1, 2, 3);
  eve.ws.send(encodeFrame(FrameType.Signal, aliceId, payload));
  eve.ws.send(encodeFrame(FrameType.Signal, 12_345, payload));
  bob.ws.send(encodeFrame(FrameType.Signal, bobId, payload));
  bob.ws.send(encodeFrame(FrameType.RelayReliable, aliceId, payload));
  bob.ws.send(Buffer.of(1, 1));
  bob.ws.send(encodeFrame(FrameType.Signal, aliceId, new Uint8Array(limits.signalBytes + 1)));
  await eve.call('session.ping', {});
  bob.ws.send(encodeFrame(FrameType.Signal, aliceId, payload));
  await alice.until(() => alice.signals[0]);
  expect(alice.signals).toEqual([Buffer.from(encodeFrame(FrameType.Signal, bobId, payload))]);
  expect(server.stats().signals).toMatchObject({
    forwarded: 1,
    stranger: 3,
    malformed: 2,
    oversized: 1,
  });
});

test('signals over the rate are dropped and counted', async () => {
  await using server = await testServer({ rateLimits: { signal: { perSecond: 1, burst: 5 } } });
  await using alice = await ControlClient.open(server.url);
  await using bob = await ControlClient.open(server.url);
  await alice.login();
  await bob.login();
  const { lobby, you } = await alice.call('lobby.create', {});
  await bob.call('lobby.join', { by: { type: 'code', code: lobby.code } });
  for (let n = 0; n < 50; n++) bob.ws.send(encodeFrame(FrameType.Signal, you, Uint8Array.of(n)));
  await bob.call('session.ping', {});
  await alice.call('session.ping', {});
  expect(alice.signals.map((frame) => frame.at(-1))).toEqual([0, 1, 2, 3, 4]);
  expect(server.stats().signals.rateLimited).toBe(45);
});

test('a socket far over its rate is told so, then closed; others are unaffected, memory flat', async () => {
  await using server = await testServer();
  await using other = await ControlClient.open(server.url);
  await other.login();
  const flood = async (): Promise<{ code: number; reason: string }> => {
    const rude = await ControlClient.open(server.url);
    for (let id = 0; id < 10_000; id++) {
      rude.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'session.ping', params: {} }));
    }
    const closed = await rude.closed;
    const codes = rude.strays.map(({ error }) => error?.data.code);
    expect(codes.filter((code) => code === 'RATE_LIMITED').length).toBeGreaterThan(100);
    return closed;
  };
  await flood();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 5; n++) {
    const [closed] = await Promise.all([flood(), other.call('session.ping', {})]);
    expect(closed).toMatchObject({ code: 1008, reason: /RATE_LIMITED/ });
  }
  const { lobby } = await other.call('lobby.create', {});
  expect(lobby.members).toHaveLength(1);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000);
  expect(server.stats().sockets).toBe(1);
});

test('sockets: an address has so many, one without a login ends, subprotocol and path are checked', async () => {
  await using server = await testServer({ limits: { socketsPerAddress: 2 }, loginTimeoutMs: 300 });
  const idle = await ControlClient.open(server.url);
  const second = await ControlClient.open(server.url);
  await second.login();
  await expect(ControlClient.open(server.url)).rejects.toThrow('429');
  expect(await idle.closed).toEqual({ code: 1008, reason: 'no login in time' });
  const status = async (path: string, protocols: string[]): Promise<string> => {
    const ws = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, protocols);
    return new Promise((resolve) => ws.on('error', (error) => resolve(error.message)));
  };
  expect(await status('/v1', [])).toContain('400');
  expect(await status('/v1', ['partyline.v9'])).toContain('400');
  expect(await status('/v2', ['partyline.v1'])).toContain('404');
  expect(await status('/v1/relay', ['partyline.relay.v1'])).toContain('400');
  expect(await status('/v1/relay', ['partyline.relay.v1', 'A'.repeat(43)])).toContain('401');
  await second.call('session.ping', {});
  await second[Symbol.asyncDispose]();
});

test.each([
  ['signals', encodeFrame(FrameType.Signal, 1, Uint8Array.of(1))],
  ['malformed frames', Uint8Array.of(9)],
])('%s far over the rate close the socket too', async (_what, frame) => {
  await using server = await testServer({
    rateLimits: { signal: { perSecond: 1, burst: 1 }, refused: { perSecond: 1, burst: 20 } },
  });
  await using client = await ControlClient.open(server.url);
  await client.login();
  for (let n = 0; n < 100; n++) client.ws.send(frame);
  expect(await client.closed).toMatchObject({ code: 1008, reason: /too many signals/ });
});

test('a socket has one session, also when two logins are sent at once', async () => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  const login = await client.loginParams('arena', newKeys());
  const both = [
    client.callAny('session.loginGuest', login),
    client.refused('session.loginGuest', login),
  ];
  expect((await Promise.all(both))[1]).toBe('REQUEST_INVALID');
});

test('behind a proxy players are told apart by the entry that the proxy wrote, and by nothing before it', async () => {
  await using server = await testServer({ trustedProxies: 1, limits: { socketsPerAddress: 1 } });
  const from = (...hops: string[]) =>
    ControlClient.open(server.url, { 'x-forwarded-for': hops.join(', ') });
  await using _first = await from('192.0.2.1');
  await using _second = await from('192.0.2.2');
  await expect(from('198.51.100.9', '192.0.2.2')).rejects.toThrow('429');
});

test('a refused upgrade is over at once, though the client keeps its side of the connection open', async () => {
  await using server = await testServer();
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const headers = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13';
  socket.write(`GET /nowhere HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`);
  socket.resume();
  await once(socket, 'end');
  socket.on('error', () => {}); // what is looked for
  const isReset = (): boolean => {
    socket.write('and I go on');
    return socket.destroyed;
  };
  await expect.poll(isReset).toBe(true);
});
