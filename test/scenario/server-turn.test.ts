import { once } from 'node:events';
import { connect } from 'node:net';
import { nodeLegacyCrypto } from 'partyline/node';
import {
  decodeStun,
  decodeXorMappedAddress,
  encodeStun,
  findAttribute,
  StunAttributeType,
  StunClass,
} from 'partyline/protocol/stun';
import { channelPayload, lifetime, TurnMethod } from 'partyline/protocol/turn';
import { expect, test } from 'vitest';
import { ManualClock } from '../../packages/server/src/base/index.ts';
import { ControlClient, testServer } from './control-client.ts';
import { bind, type Credential, channelData, codeOf, TurnProbe } from './turn-probe.ts';

const hello = new TextEncoder().encode('hello');

test('two players, one by UDP and one by the API’s own port, talk through the relay', async () => {
  await using server = await testServer();
  const alice = await ControlClient.open(server.url);
  const bob = await ControlClient.open(server.url);
  await alice.login();
  await bob.login();
  const ofAlice: Credential = await alice.call('session.iceServers', {});
  const ofBob: Credential = await bob.call('session.iceServers', {});
  expect(ofAlice.urls).toEqual([
    `turn:127.0.0.1:${server.stunPort}?transport=udp`,
    `turn:127.0.0.1:${server.port}?transport=tcp`,
  ]);
  expect(ofAlice.username).toMatch(/^\d+:arena:g[a-z2-7]{26}:[\w-]{16}$/);
  using a = await TurnProbe.open(ofAlice, 'udp');
  using b = await TurnProbe.open(ofBob, 'tcp');
  const toAlice = await a.allocate();
  const toBob = await b.allocate();
  if (typeof toAlice === 'number' || typeof toBob === 'number') throw new Error('no allocation');
  expect(await bind(a, toBob)).toBe(0);
  expect(await bind(b, toAlice)).toBe(0);
  a.send(channelData(hello));
  expect(channelPayload(await b.next())).toEqual(hello);
  b.send(channelData(hello));
  expect(channelPayload(await a.next())).toEqual(hello);
  // The server itself is no peer, nor anything else on this machine.
  for (const port of [server.port, 22]) {
    expect(await bind(a, { host: '127.0.0.1', port })).toBe(403);
  }
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(server.stats().turn).toMatchObject({ allocations: 2, streams: 1 });
});

test('without a login there is no credential, and a made-up one opens nothing', async () => {
  await using server = await testServer();
  const stranger = await ControlClient.open(server.url);
  await expect(stranger.call('session.iceServers', {})).rejects.toThrow('AUTH_REQUIRED');
  await stranger.login();
  const real: Credential = await stranger.call('session.iceServers', {});
  const expired = real.username.replace(/^\d+/, '1000');
  for (const username of [expired, 'somebody', `${real.username}x`]) {
    using probe = await TurnProbe.open({ ...real, username }, 'udp');
    expect(await probe.allocate()).toBe(401);
  }
});

test('a logout ends what the session has allocated, and its credential', async () => {
  await using server = await testServer();
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const credential: Credential = await alice.call('session.iceServers', {});
  using probe = await TurnProbe.open(credential, 'udp');
  expect(await probe.allocate()).toMatchObject({ host: '127.0.0.1' });
  expect(codeOf(await probe.ask(TurnMethod.Refresh, () => []))).toBe(0);
  await alice.call('session.logout', {});
  expect(server.stats().turn?.allocations).toBe(0);
  expect(codeOf(await probe.ask(TurnMethod.Refresh, () => []))).toBe(401);
  expect(await probe.allocate()).toBe(401);
});

test('a session that is lost keeps its allocation until it cannot be resumed any more', async () => {
  await using server = await testServer({ seatHoldMs: 300 });
  const alice = await ControlClient.open(server.url);
  await alice.login();
  using probe = await TurnProbe.open(await alice.call('session.iceServers', {}), 'udp');
  await probe.allocate();
  alice.ws.terminate();
  await expect.poll(() => server.stats().sockets).toBe(0);
  expect(server.stats().turn?.allocations).toBe(1);
  await expect.poll(() => server.stats().turn?.allocations, { timeout: 5000 }).toBe(0);
});

test('another relay can stand in: its addresses, with credentials that its secret signs', async () => {
  const urls = ['turn:turn.example.com:3478?transport=udp'];
  const secret = 'what coturn has as static-auth-secret';
  await using server = await testServer({ turn: { urls, secret } });
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const given: Credential = await alice.call('session.iceServers', {});
  expect(given.urls).toEqual(urls);
  const mac = nodeLegacyCrypto.hmacSha1(
    new TextEncoder().encode(secret),
    new TextEncoder().encode(given.username),
  );
  expect(given.credential).toBe(Buffer.from(mac).toString('base64'));
  expect(server.stats().turn).toBeUndefined();
});

test('a connection that says nothing does not hold up the end of the server', async () => {
  const server = await testServer();
  const silent = connect(server.port, '127.0.0.1');
  await once(silent, 'connect');
  const ended = once(silent, 'close');
  const startedAt = performance.now();
  await server[Symbol.asyncDispose]();
  await ended;
  expect(performance.now() - startedAt).toBeLessThan(5000);
});

test('a WebSocket of TURN stays as long as it has an allocation', async () => {
  const clock = new ManualClock(Date.now());
  await using server = await testServer({}, { clock });
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const given: Credential = await alice.call('session.iceServers', {});
  using idle = await TurnProbe.openWebSocket(given, server.url);
  using used = await TurnProbe.openWebSocket(given, server.url);
  expect(await used.allocate()).toMatchObject({ host: '127.0.0.1' });
  clock.advance(14_000);
  expect(server.stats().turn?.streams).toBe(2);
  clock.advance(1000);
  await expect(idle.next()).rejects.toThrow('the connection was closed');
  const end = (): Promise<unknown> => used.ask(TurnMethod.Refresh, () => [lifetime(0)]);
  await end(); // an answer, and with it the pong to the ping before
  expect(server.stats().turn).toMatchObject({ allocations: 0, streams: 1 });
  clock.advance(15_000);
  await expect(used.next()).rejects.toThrow('the connection was closed');
});

test('who comes by IPv4 to a socket of both families is told an IPv4 address', async () => {
  await using server = await testServer({ listen: '[::]:0' });
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const transactionId = new Uint8Array(12).fill(7);
  const binding = { class: StunClass.Request, method: 1, transactionId, attributes: [] };
  socket.write(encodeStun(binding));
  const [answer] = await once(socket, 'data');
  const mapped = findAttribute(decodeStun(answer), StunAttributeType.XorMappedAddress);
  expect(decodeXorMappedAddress(mapped ?? new Uint8Array(), transactionId)).toEqual({
    host: '127.0.0.1',
    port: socket.localPort,
  });
  socket.destroy();
});

test('listening on :: hears both families', async () => {
  await using server = await testServer({ listen: '[::]:0' });
  const alice = await ControlClient.open(`http://127.0.0.1:${server.port}`);
  await alice.login();
  using probe = await TurnProbe.open(await alice.call('session.iceServers', {}), 'udp');
  expect(await probe.allocate()).toMatchObject({ port: expect.any(Number) });
});
