import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { type OpenTurnOptions, openTurn } from 'partyline/node';
import type { TurnAllocation } from 'partyline/protocol/turn';

export interface Coturn extends AsyncDisposable {
  readonly port: number;
  readonly tlsPort: number;
}

/** coturn's server on loopback, as a stranger to our client; ends with the scope. */
export async function startCoturn(folder: string, flags: readonly string[]): Promise<Coturn> {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const where = ['-L', '127.0.0.1', '-L', '::1', '-E', '127.0.0.1', '-E', '::1'];
  const ports = ['-p', `${port}`, '--tls-listening-port', `${tlsPort}`];
  const range = ['--min-port', '42000', '--max-port', '42999', '--allow-loopback-peers'];
  const quiet = ['-n', '--no-cli', '-l', '/dev/null', '--pidfile', join(folder, `${port}.pid`)];
  const args = [...where, ...ports, ...range, ...quiet, '--no-dtls', '-r', 'coturn', ...flags];
  const child = spawn('turnserver', args, { stdio: 'ignore', cwd: folder });
  const ended = once(child, 'exit');
  const coturn = {
    port,
    tlsPort,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
  const isUp = await Promise.race([answers(port), ended.then(() => false)]);
  if (isUp) return coturn;
  await coturn[Symbol.asyncDispose]();
  throw new Error('turnserver does not start');
}

/** A client that keeps what it hears, and waits for more. */
export class HeardAllocation implements AsyncDisposable {
  readonly allocation: TurnAllocation;
  readonly #heard: { readonly text: string; readonly from: string }[];
  readonly #wake: { call: () => void };

  static async open(options: Omit<OpenTurnOptions, 'handlers'>): Promise<HeardAllocation> {
    const heard: { text: string; from: string }[] = [];
    const wake = { call: () => {} };
    const allocation = await openTurn({
      ...options,
      handlers: {
        onReceive: (bytes, { host, port }) => {
          heard.push({ text: Buffer.from(bytes).toString('latin1'), from: `${host} ${port}` });
          wake.call();
        },
        onEnded: () => wake.call(),
      },
    });
    return new HeardAllocation(allocation, heard, wake);
  }

  private constructor(
    allocation: TurnAllocation,
    heard: { text: string; from: string }[],
    wake: { call: () => void },
  ) {
    this.allocation = allocation;
    this.#heard = heard;
    this.#wake = wake;
  }

  /** The next datagram. @throws when the allocation ends first */
  async next(): Promise<{ readonly text: string; readonly from: string }> {
    while (this.#heard.length === 0) {
      if (!this.allocation.isOpen) throw new Error('the allocation has ended');
      await new Promise<void>((resolve) => {
        this.#wake.call = resolve;
      });
    }
    return this.#heard.shift() ?? { text: '', from: '' };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.allocation.close();
  }
}

/** A peer that sends everything back. */
export async function startEcho(host: string): Promise<{ readonly port: number } & Disposable> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  socket.bind(0, host);
  await once(socket, 'listening');
  return { port: socket.address().port, [Symbol.dispose]: () => void socket.close() };
}

/** Binding requests until one is answered. */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const request = Buffer.from('000100002112a442000000000000000000000000', 'hex');
  const answered = once(socket, 'message').then(() => true);
  const timer = setInterval(() => socket.send(request, port, '127.0.0.1'), 50);
  socket.on('error', () => {}); // refused until it is up
  try {
    return await answered;
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
