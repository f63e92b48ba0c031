import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { isNetError } from 'partyline';
import {
  decodeTrivialGreeting,
  LineSplitter,
  splitTrivialLine,
  trivialLimits,
} from 'partyline/protocol/signaling';
import { type Clock, type Rate, TokenBucket } from '../base/index.ts';

/** What a client of the trivial signaling can take; docs/limits.md quotes it. */
export interface TrivialListenerLimits {
  /** Sockets at once; more are closed at once. */
  readonly clients: number;
  /** Between a connection and its name, in milliseconds. */
  readonly greetingMs: number;
  /** Signals of one client; over them they are dropped. */
  readonly signals: Rate;
  /** Unsent bytes of one receiver; over them its signals are dropped. */
  readonly bufferedBytes: number;
}

export const trivialListenerLimits: TrivialListenerLimits = Object.freeze({
  clients: 1024,
  greetingMs: 10_000,
  signals: { perSecond: 200, burst: 400 },
  bufferedBytes: 512 * 1024,
});

export interface TrivialListenerOptions {
  readonly clock: Clock;
  readonly limits?: Partial<TrivialListenerLimits>;
}

export interface TrivialListenerStats {
  readonly clients: number;
  readonly forwarded: number;
  /** No such receiver, over a rate, or the receiver does not read. */
  readonly dropped: number;
  /** Sockets that were closed for what they sent. */
  readonly refused: number;
}

/**
 * GNS's trivial signaling over TCP (docs/wire/trivial-signaling.md): lines between named clients, as
 * `trivial_signaling_server.py` forwards them. Names are believed: it is for tests and trusted networks.
 */
export class TrivialListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #limits: TrivialListenerLimits;
  readonly #sockets = new Set<Socket>();
  readonly #byName = new Map<string, Socket>();
  #forwarded = 0;
  #dropped = 0;
  #refused = 0;

  /** Port 0: any free one. @throws the system's error, as `EADDRINUSE` */
  static async open(
    host: string,
    port: number,
    options: TrivialListenerOptions,
  ): Promise<TrivialListener> {
    const listener = new TrivialListener(options);
    const isListening = once(listener.#server, 'listening');
    listener.#server.listen({ host, port });
    await isListening;
    return listener;
  }

  private constructor({ clock, limits }: TrivialListenerOptions) {
    this.#clock = clock;
    this.#limits = { ...trivialListenerLimits, ...limits };
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) =>
      this.#accept(socket),
    );
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens on TCP, so it has one
  }

  stats(): TrivialListenerStats {
    return {
      clients: this.#sockets.size,
      forwarded: this.#forwarded,
      dropped: this.#dropped,
      refused: this.#refused,
    };
  }

  async close(): Promise<void> {
    const isClosed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await isClosed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= this.#limits.clients) {
      this.#refused += 1;
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const splitter = new LineSplitter(trivialLimits.lineBytes);
    const bucket = new TokenBucket(this.#limits.signals, this.#clock.nowMs());
    let name: string | undefined;
    socket.setTimeout(this.#limits.greetingMs, () => {
      if (name === undefined) this.#refuse(socket);
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (name !== undefined && this.#byName.get(name) === socket) this.#byName.delete(name);
    });
    socket.on('data', (chunk) => {
      try {
        for (const line of splitter.push(new Uint8Array(chunk))) {
          if (name !== undefined) this.#forward(name, line, bucket);
          else name = this.#greet(socket, line);
        }
      } catch (error) {
        if (!isNetError(error, 'WIRE_MALFORMED')) throw error;
        this.#refuse(socket); // not this protocol
      }
    });
  }

  /** A new client with a name takes the place of the old one. @throws DecodeError */
  #greet(socket: Socket, line: Uint8Array): string {
    const name = decodeTrivialGreeting(line);
    this.#byName.get(name)?.destroy();
    this.#byName.set(name, socket);
    socket.setTimeout(0);
    return name;
  }

  /** @throws DecodeError */
  #forward(from: string, line: Uint8Array, bucket: TokenBucket): void {
    const { identity, payload } = splitTrivialLine(line);
    const receiver = this.#byName.get(identity);
    const isFull = (receiver?.writableLength ?? 0) > this.#limits.bufferedBytes;
    if (receiver === undefined || isFull || !bucket.take(this.#clock.nowMs())) {
      this.#dropped += 1;
      return;
    }
    this.#forwarded += 1;
    receiver.write(`${from} ${payload}\n`);
  }

  #refuse(socket: Socket): void {
    this.#refused += 1;
    socket.destroy();
  }
}
