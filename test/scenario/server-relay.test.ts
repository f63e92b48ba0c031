import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { PartylineServer } from '@partyline/server';
import { encodeFrame, FrameType } from 'partyline/protocol/signaling';
import { decodeStun, encodeStun, StunClass } from 'partyline/protocol/stun';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { ControlClient, testServer } from './control-client.ts';

class RelayClient {
  readonly frames: Buffer[] = [];
  readonly ws: WebSocket;
  readonly closed: Promise<number>;
  #wake: () => void = () => {};

  static async open(server: PartylineServer, ticket: string): Promise<RelayClient> {
    const url = `${server.url.replace('http', 'ws')}/v1/relay`;
    const ws = new WebSocket(url, ['partyline.relay.v1', ticket]);
    const client = new RelayClient(ws);
    await once(ws, 'open');
    expect(ws.protocol).toBe('partyline.relay.v1');
    return client;
  }

  private constructor(ws: WebSocket) {
    this.ws = ws;
    this.closed = new Promise((resolve) => ws.on('close', resolve));
    ws.on('message', (frame: Buffer) => {
      this.frames.push(frame);
      this.#wake();
    });
  }

  send(type: FrameType, to: number, payload: Uint8Array): void {
    this.ws.send(encodeFrame(type, to, payload));
  }

  async received(count: number): Promise<Buffer[]> {
    while (this.frames.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.frames;
  }
}

async function pair(server: PartylineServer) {
  const alice = await ControlClient.open(server.url);
  const bob = await ControlClient.open(server.url);
  await alice.login();
  await bob.login();
  const { lobby, you: aliceId } = await alice.call('lobby.create', {});
  const { you: bobId } = await bob.call('lobby.join', { by: { type: 'code', code: lobby.code } });
  const ticket = async (client: ControlClient): Promise<string> =>
    (await client.call('lobby.relayTicket', { lobby: lobby.id })).ticket;
  const a = await RelayClient.open(server, await ticket(alice));
  const b = await RelayClient.open(server, await ticket(bob));
  return { alice, bob, aliceId, bobId, lobby, a, b, ticket };
}

test('frames go to the member named in them, with the sender’s id in its place', async () => {
  await using server = await testServer();
  const { a, b, aliceId, bobId } = await pair(server);
  a.send(FrameType.RelayReliable, bobId, Uint8Array.of(7));
  a.send(FrameType.RelayUnreliable, bobId, Uint8Array.of(8));
  expect(await b.received(2)).toEqual([
    Buffer.from(encodeFrame(FrameType.RelayReliable, aliceId, Uint8Array.of(7))),
    Buffer.from(encodeFrame(FrameType.RelayUnreliable, aliceId, Uint8Array.of(8))),
  ]);
});

test('a ticket is good once', async () => {
  await using server = await testServer();
  const { alice, ticket } = await pair(server);
  const value = await ticket(alice);
  await RelayClient.open(server, value);
  await expect(RelayClient.open(server, value)).rejects.toThrow('401');
});

test('a newer relay socket of a member takes over', async () => {
  await using server = await testServer();
  const { alice, ticket, a } = await pair(server);
  await RelayClient.open(server, await ticket(alice));
  expect(await a.closed).toBe(4001);
});

test('strangers, other lobbies and other apps are not reached; each frame is counted', async () => {
  await using server = await testServer();
  const first = await pair(server);
  const second = await pair(server);
  first.a.send(FrameType.RelayReliable, second.bobId, Uint8Array.of(1));
  first.a.send(FrameType.RelayReliable, first.aliceId, Uint8Array.of(1));
  first.a.send(FrameType.RelayReliable, 99, Uint8Array.of(1));
  first.a.ws.send('text');
  first.a.send(FrameType.Signal, first.bobId, Uint8Array.of(1));
  first.a.send(FrameType.RelayReliable, first.bobId, Uint8Array.of(2));
  expect((await first.b.received(1))[0]?.at(-1)).toBe(2);
  expect(second.b.frames).toEqual([]);
  expect(server.stats().relay).toMatchObject({ stranger: 3, malformed: 2, forwarded: 1 });
});

test('who is kicked or leaves loses the relay at once', async () => {
  await using server = await testServer();
  const { alice, bob, lobby, bobId, a, b } = await pair(server);
  await alice.call('lobby.kick', { lobby: lobby.id, member: bobId });
  expect(await b.closed).toBe(4002);
  expect(await bob.refused('lobby.relayTicket', { lobby: lobby.id })).toBe('LOBBY_NOT_MEMBER');
  await alice.call('lobby.leave', { lobby: lobby.id });
  expect(await a.closed).toBe(4002);
});

test('over the rate unreliable frames are dropped; reliable ones wait and all arrive in order', async () => {
  const rateLimits = { relayPackets: { perSecond: 500, burst: 20 } };
  await using server = await testServer({ rateLimits });
  const { a, b, bobId } = await pair(server);
  for (let n = 0; n < 100; n++) a.send(FrameType.RelayReliable, bobId, Uint8Array.of(n));
  const frames = await b.received(100);
  expect(frames.map((frame) => frame.at(-1))).toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(server.stats().relay.rateLimited).toBe(0);
  for (let n = 0; n < 100; n++) a.send(FrameType.RelayUnreliable, bobId, Uint8Array.of(n));
  a.send(FrameType.RelayReliable, bobId, Uint8Array.of(255));
  await b.received(101);
  await expect.poll(() => b.frames.at(-1)?.at(-1)).toBe(255);
  const { forwarded, rateLimited } = server.stats().relay;
  expect(rateLimited).toBeGreaterThan(50);
  expect(forwarded + rateLimited).toBe(201);
});

test('a receiver that does not read: unreliable frames are dropped, reliable ones stop the sender, then it is closed', async () => {
  const big = { perSecond: 1e9, burst: 1e9 };
  await using server = await testServer({
    rateLimits: { relayPackets: big, relayBytes: big },
    limits: { relayBufferBytes: 65_536, relayStallMs: 400 },
  });
  const { a, b, bobId } = await pair(server);
  b.ws.pause();
  const payload = new Uint8Array(16_384);
  // More than the sockets' buffers take on the way.
  for (let n = 0; n < 1500; n++) a.send(FrameType.RelayUnreliable, bobId, payload);
  await expect.poll(() => server.stats().relay.receiverFull).toBeGreaterThan(0);
  for (let n = 0; n < 1500; n++) a.send(FrameType.RelayReliable, bobId, payload);
  await expect.poll(() => server.stats().relay.slowReceiversClosed, { timeout: 5000 }).toBe(1);
  expect(server.stats().relay.absent).toBeGreaterThan(0);
  b.ws.terminate();
});

test('STUN says what address it was asked from, in 32 bytes, and so often per address', async () => {
  await using server = await testServer({ limits: { stunPerSecond: 3 } });
  const socket = createSocket('udp4');
  const answers: Buffer[] = [];
  socket.on('message', (answer) => answers.push(answer));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const transactionId = new Uint8Array(12).fill(5);
  const request = encodeStun({
    class: StunClass.Request,
    method: 1,
    transactionId,
    attributes: [],
  });
  const port = server.stunPort ?? 0;
  socket.send(Buffer.from('hello'), port, '127.0.0.1');
  for (let n = 0; n < 10; n++) socket.send(request, port, '127.0.0.1');
  await expect.poll(() => server.stats().stun).toEqual({ answered: 3, ignored: 1, rateLimited: 7 });
  await expect.poll(() => answers.length).toBe(3);
  expect(answers[0]).toHaveLength(32);
  const answer = decodeStun(new Uint8Array(answers[0] ?? []));
  expect(answer).toMatchObject({ class: StunClass.Success, transactionId });
  const { port: own } = socket.address();
  const value = Buffer.from(answer.attributes[0]?.value ?? []);
  expect(value.readUInt16BE(2) ^ 0x2112).toBe(own);
  expect(
    [...value.subarray(4)].map((byte, at) => byte ^ ([0x21, 0x12, 0xa4, 0x42][at] ?? 0)),
  ).toEqual([127, 0, 0, 1]);
  socket.close();
});
