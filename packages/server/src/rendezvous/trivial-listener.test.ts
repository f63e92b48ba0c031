import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../base/index.ts';
import { TrivialListener, type TrivialListenerLimits } from './trivial-listener.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function listen(limits: Partial<TrivialListenerLimits> = {}): Promise<TrivialListener> {
  const listener = await TrivialListener.open('127.0.0.1', 0, { clock: new ManualClock(), limits });
  opened.push(() => listener.close());
  return listener;
}

interface Client {
  readonly socket: Socket;
  readonly lines: string[];
  line(): Promise<string>;
}

async function client({ port }: TrivialListener, name?: string): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port });
  opened.push(() => socket.destroy());
  await once(socket, 'connect');
  const lines: string[] = [];
  const reader = createInterface({ input: socket });
  reader.on('line', (line) => lines.push(line));
  socket.on('error', () => {});
  if (name !== undefined) socket.write(`${name}\n`);
  return {
    socket,
    lines,
    line: async () => {
      while (lines.length === 0) await once(reader, 'line');
      return lines.shift() ?? '';
    },
  };
}

/** Everything this client said before is known to the server: its own echo came back. */
async function settled(a: Client, name: string): Promise<void> {
  a.socket.write(`${name} 00\n`);
  expect(await a.line()).toBe(`${name} 00`);
}

test('a line goes to whom it names, with the sender’s name in front', async () => {
  const listener = await listen();
  const a = await client(listener, 'str:a');
  const b = await client(listener, 'str:b');
  await settled(b, 'str:b');
  a.socket.write('str:b 0a0b\nstr:nobody 00\nstr:b 0c\n');
  expect([await b.line(), await b.line()]).toEqual(['str:a 0a0b', 'str:a 0c']);
  expect(listener.stats()).toMatchObject({ clients: 2, forwarded: 3, dropped: 1, refused: 0 });
});

test('a new client with a name takes the place of the old one', async () => {
  const listener = await listen();
  const old = await client(listener, 'str:a');
  await settled(old, 'str:a');
  const ended = once(old.socket, 'close');
  const fresh = await client(listener, 'str:a');
  await ended;
  await settled(fresh, 'str:a');
});

test('signals over the rate of a client are dropped', async () => {
  const listener = await listen({ signals: { perSecond: 1, burst: 3 } });
  const a = await client(listener, 'str:a');
  const b = await client(listener, 'str:b');
  await settled(b, 'str:b');
  a.socket.write('str:b 01\n'.repeat(5));
  await settled(b, 'str:b').catch(() => {});
  while (listener.stats().dropped < 2) await new Promise(setImmediate);
  expect(listener.stats()).toMatchObject({ dropped: 2 });
});

test('who is no client of this protocol, or too many, is closed', async () => {
  const listener = await listen({ clients: 2 });
  const a = await client(listener, 'str:a');
  await settled(a, 'str:a');
  const strange = await client(listener);
  const ended = once(strange.socket, 'close');
  strange.socket.write(`${'x'.repeat(40_000)}`);
  await ended;
  const b = await client(listener, 'str:b');
  await settled(b, 'str:b');
  const third = connect({ host: '127.0.0.1', port: listener.port });
  third.on('error', () => {});
  await once(third, 'close');
  expect(listener.stats()).toMatchObject({ clients: 2, refused: 2 });
});

test('who does not say a name in time is closed', async () => {
  const listener = await listen({ greetingMs: 20 });
  const silent = await client(listener);
  await once(silent.socket, 'close');
  expect(listener.stats().refused).toBe(1);
});
