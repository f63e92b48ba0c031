import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket as Stream } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { deferred } from '../../base/index.ts';
import { nodeSockets } from '../sockets.ts';

const protocol = 'a.v1';
const opened: (WebSocketServer | Server)[] = [];

afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

/** The port of a `ws` server that does this with each socket. */
async function serve(handle: (socket: WebSocket) => void): Promise<number> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  opened.push(server);
  server.on('connection', handle);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // it listens on TCP, so it has one
}

/** The port of a server that is none of WebSockets. */
async function serveRaw(handle: (stream: Stream) => void): Promise<number> {
  const server = createServer(handle);
  opened.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Dialled {
  readonly socket: ReturnType<typeof nodeSockets.open>;
  readonly seen: (string | Uint8Array)[];
  readonly closed: Promise<string>;
}

function dial(port: number, onOpen: (socket: Dialled['socket']) => void = () => {}): Dialled {
  const seen: (string | Uint8Array)[] = [];
  let socket: Dialled['socket'] | undefined;
  const closed = new Promise<string>((resolve) => {
    socket = nodeSockets.open(`ws://127.0.0.1:${port}/x`, [protocol], {
      onOpen: (chosen) => {
        seen.push(`open ${chosen}`);
        if (socket) onOpen(socket);
      },
      onText: (text) => seen.push(text),
      onBinary: (bytes) => seen.push(bytes),
      onClosed: resolve,
    });
  });
  if (!socket) throw new Error('a promise runs its executor at once');
  return { socket, seen, closed };
}

describe('WebSocketClient', () => {
  it('exchanges texts and bytes of every length with ws, and says why it ended', async () => {
    const lengths = [0, 1, 125, 126, 65_535, 65_536, 300_000];
    const port = await serve((peer) => {
      let left = lengths.length * 2;
      peer.on('message', (bytes: Buffer, isBinary) => {
        peer.send(bytes, { binary: isBinary });
        if (--left === 0) peer.close(4002, 'enough');
      });
    });
    const texts = lengths.map((length) => 'ü'.repeat(length / 2));
    const arrays = lengths.map((length) => new Uint8Array(randomBytes(length)));
    const { seen, closed } = dial(port, (socket) => {
      for (const content of [...texts, ...arrays]) socket.send(content);
    });
    expect(await closed).toBe('enough');
    const printed = (content: string | Uint8Array): string =>
      typeof content === 'string' ? content : Buffer.from(content).toString('hex');
    expect(seen.map(printed)).toEqual([`open ${protocol}`, ...texts, ...arrays.map(printed)]);
    expect(seen.at(-1)?.constructor).toBe(Uint8Array); // its own memory, and no Buffer
  });

  it('answers pings, and takes a message in fragments', async () => {
    const port = await serve((peer) => {
      peer.on('pong', (payload) => peer.close(4000, `pong ${payload}`));
      peer.send('frag', { fin: false });
      peer.send('ments', { fin: true });
      peer.ping('here?');
    });
    const { seen, closed } = dial(port);
    expect(await closed).toBe('pong here?');
    expect(seen.slice(1)).toEqual(['fragments']);
  });

  it('says goodbye when it is closed, behind what was sent; ws counts that as clean', async () => {
    const heard: unknown[] = [];
    const gone = deferred<void>();
    const port = await serve((peer) => {
      peer.on('message', (bytes: Buffer) => heard.push(bytes.toString()));
      peer.on('close', (code) => {
        heard.push(code);
        gone.resolve();
      });
    });
    const { socket, closed } = dial(port, (open) => {
      open.send('last words');
      open.close();
      open.send('too late');
    });
    await closed;
    await gone.promise;
    expect(heard).toEqual(['last words', 1000]);
    socket.close(); // once more is harmless
    socket.send('nobody there');
  });

  it('ends with 1007 when a server sends what is no text', async () => {
    const closedWith = deferred<number>();
    const port = await serve((peer) => {
      peer.on('close', (code) => closedWith.resolve(code));
      peer.send(Buffer.from([0xff]), { binary: false });
    });
    const { seen, closed } = dial(port);
    expect(await closed).toMatch(/UTF-8/);
    expect(await closedWith.promise).toBe(1007);
    expect(seen).toEqual([`open ${protocol}`]);
  });

  it.each([
    ['refuses', 'HTTP/1.1 503 Service Unavailable\r\n\r\n', /503/],
    ['speaks something else', 'SSH-2.0-OpenSSH\r\n\r\n', /HTTP/],
    ['hangs up in the middle', 'HTTP/1.1 101 Swit', /1006/],
    ['answers without end', 'x'.repeat(20_000), /without end/],
  ])('fails with a reason when the server %s', async (_what, answer, reason) => {
    const port = await serveRaw((stream) => {
      stream.on('error', () => {}); // the client may be gone first
      stream.end(answer);
    });
    const { seen, closed } = dial(port);
    expect(await closed).toMatch(reason);
    expect(seen).toEqual([]);
  });

  it('fails when nobody listens, and when it is closed before it is open', async () => {
    const port = await serveRaw(() => {});
    opened.pop()?.close();
    expect(await dial(port).closed).toMatch(/ECONNREFUSED/);
    const silent = await serveRaw(() => {});
    const { socket, closed } = dial(silent);
    socket.close();
    expect(await closed).toBe('closed before it was open');
  });

  it('ends when the server hangs up without a goodbye', async () => {
    const port = await serve((peer) => peer.terminate());
    expect(await dial(port).closed).toMatch(/1006|ECONNRESET/);
  });

  it('counts what has not left yet', async () => {
    const port = await serve((peer) => peer.on('message', () => peer.close()));
    let waiting = 0;
    const { closed } = dial(port, (socket) => {
      socket.send(new Uint8Array(1000));
      waiting = socket.bufferedAmount;
    });
    await closed;
    expect(waiting).toBe(1008);
  });
});
