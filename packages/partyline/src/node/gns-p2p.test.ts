import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Emitter } from '../base/index.ts';
import type { IdentitySignaling, IdentitySignalingEvents } from '../signaling/index.ts';
import { SendFlag } from '../snp/index.ts';
import type { Connection } from './gns-connection.ts';
import { GnsP2p } from './gns-p2p.ts';
import { TrivialSignaling } from './gns-trivial-signaling.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Signaling inside the process. */
class Board {
  readonly #emitters = new Map<string, Emitter<IdentitySignalingEvents>>();

  of(identity: string): IdentitySignaling {
    const emitter = new Emitter<IdentitySignalingEvents>();
    this.#emitters.set(identity, emitter);
    return {
      events: emitter,
      send: (to, bytes) =>
        setImmediate(() => this.#emitters.get(to)?.emit('signal', { from: identity, bytes })),
    };
  }
}

async function peer(board: Board, identity: string): Promise<GnsP2p> {
  const ice = { includesLoopback: true, hosts: ['127.0.0.1'] };
  const p2p = await GnsP2p.open({ identity, signaling: board.of(identity), ice });
  opened.push(() => p2p.close());
  return p2p;
}

async function receiveOne(connection: Connection): Promise<Uint8Array> {
  for (;;) {
    const message = connection.receive();
    if (message !== undefined) return message.bytes;
    await new Promise<void>((resolve) => connection.events.on('readable', resolve, { once: true }));
  }
}

test('two peers call each other by name and talk, over loopback', async () => {
  const board = new Board();
  const [a, b] = [await peer(board, 'str:a'), await peer(board, 'str:b')];
  const listening = b.listenP2P(4);
  const came = new Promise<Connection>((resolve) => {
    listening.events.on('incoming', (incoming) => {
      listening.accept(incoming);
      resolve(incoming);
    });
  });
  const ours = await a.connectP2P('str:b', 4);
  const theirs = await came;
  expect(ours).toMatchObject({ remoteIdentity: 'str:b', route: { type: 'local' } });
  expect(ours.remoteAddress.host).toBe('127.0.0.1');
  ours.send(Uint8Array.of(1, 2, 3), SendFlag.Reliable);
  expect(await receiveOne(theirs)).toEqual(Uint8Array.of(1, 2, 3));
  await ours.close(1007, 'bye');
  await theirs.ended;
  expect([theirs.endReason, theirs.endDebug]).toEqual([1007, 'bye']);
});

test('a refusal arrives with its reason', async () => {
  const board = new Board();
  const [a, b] = [await peer(board, 'str:a'), await peer(board, 'str:b')];
  b.listenP2P(4).events.on('incoming', (incoming) => void incoming.close(1003, 'full'));
  await expect(a.connectP2P('str:b', 4)).rejects.toMatchObject({
    code: 'GNS_CONNECT_FAILED',
    message: '1003: full',
  });
});

test('an abort ends a call that nobody answers', async () => {
  const a = await peer(new Board(), 'str:a');
  const abort = new AbortController();
  const call = a.connectP2P('str:nobody', 4, { signal: abort.signal });
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: 'GNS_CONNECT_FAILED' });
});

test('messages to a name: asked, accepted, answered', async () => {
  const board = new Board();
  const [a, b] = [await peer(board, 'str:a'), await peer(board, 'str:b')];
  b.messages.events.on('sessionRequest', ({ identity }) => b.messages.accept(identity));
  const heard = new Promise<string>((resolve) => {
    b.messages.events.on('messages', () => {
      const message = b.messages.receive(9);
      if (message !== undefined) resolve(`${message.from} ${Buffer.from(message.bytes)}`);
    });
  });
  expect(a.messages.send('str:b', Buffer.from('hello'), { channel: 9 })).toBeGreaterThan(0);
  expect(await heard).toBe('str:a hello');
  expect(a.messages.stateOf('str:b').state).toBe('connected');
});

test('trivial signaling says its name, is ready when it is known, and comes back', async () => {
  const sockets: Socket[] = [];
  const heard: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard.push(...chunk.toString().split('\n').filter(Boolean));
      if (sockets.length === 1) socket.write('str:me \nstr:you 0102\nnonsense\n');
    });
  }).listen(0, '127.0.0.1');
  opened.push(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const signaling = new TrivialSignaling({ host: '127.0.0.1', port, identity: 'str:me' });
  opened.push(() => signaling.close());
  const signal = new Promise((resolve) => signaling.events.on('signal', resolve));
  await signaling.connected;
  expect(await signal).toEqual({ from: undefined, bytes: Uint8Array.of(1, 2) });
  expect(heard.slice(0, 2)).toEqual(['str:me', 'str:me ']);
  sockets[0]?.destroy();
  const [again] = await once(server, 'connection');
  signaling.send('str:you', Uint8Array.of(0xab));
  while (!heard.includes('str:you ab')) await once(again, 'data');
});
