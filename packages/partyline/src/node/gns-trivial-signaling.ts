import { connect, type Socket } from 'node:net';
import { DecodeError, Emitter, type Logger, silentLogger } from '../base/index.ts';
import {
  decodeTrivialSignal,
  encodeTrivialGreeting,
  encodeTrivialSignal,
  type IdentitySignaling,
  type IdentitySignalingEvents,
  LineSplitter,
} from '../signaling/index.ts';

export interface TrivialSignalingOptions {
  readonly host: string;
  /** GNS's example server listens on 10000. */
  readonly port: number;
  /** Who we are: `str:…`. */
  readonly identity: string;
  /** Default: no logs. */
  readonly logger?: Logger;
}

/** Signals that wait for a connection; the oldest are dropped, as in GNS's client. */
const MAX_WAITING = 32;
/** More unsent bytes than this mean that the server does not read: signals are dropped. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const nothing = new Uint8Array(0);
/** Between two attempts to connect; doubles up to the longer one, in ms. */
const RETRY_MS = { min: 200, max: 5000 } as const;

/**
 * GNS's trivial signaling over TCP: docs/wire/trivial-signaling.md. Connects again by itself; what is
 * lost meanwhile is lost. Nobody vouches for names here: use it in tests and on networks you trust.
 */
export class TrivialSignaling implements IdentitySignaling, AsyncDisposable {
  readonly events: Pick<Emitter<IdentitySignalingEvents>, 'on'>;
  /** Settles when the server knows our name, so that signals reach us. */
  readonly connected: Promise<void>;
  readonly #options: TrivialSignalingOptions;
  readonly #greeting: Uint8Array;
  readonly #emitter = new Emitter<IdentitySignalingEvents>();
  readonly #logger: Logger;
  #waiting: Uint8Array[] = [];
  #socket: Socket | undefined;
  #isReady = false;
  #retryMs: number = RETRY_MS.min;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #tellConnected: () => void = () => {};

  /** @throws DecodeError for an identity that a line cannot carry. */
  constructor(options: TrivialSignalingOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#greeting = encodeTrivialGreeting(options.identity);
    this.events = this.#emitter;
    this.connected = new Promise((resolve) => {
      this.#tellConnected = resolve;
    });
    this.#connect();
  }

  send(to: string, bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const line = encodeTrivialSignal({ identity: to, bytes });
    if (!this.#isReady) {
      if (this.#waiting.length >= MAX_WAITING) this.#waiting.shift();
      this.#waiting.push(line);
    } else if ((this.#socket?.writableLength ?? 0) < MAX_BUFFERED_BYTES) {
      this.#socket?.write(line);
    }
  }

  /** Gives the system what waits, then closes. */
  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      if (this.#isReady) socket.end();
      else socket.destroy();
      socket.setTimeout(1000, () => socket.destroy()); // a server that does not close its side
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connect(): void {
    const { host, port } = this.#options;
    const splitter = new LineSplitter();
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    socket.on('connect', () => this.#handleConnect(socket));
    socket.on('data', (chunk) => this.#handleData(socket, splitter, new Uint8Array(chunk)));
    socket.on('error', (error) => this.#logger.debug({ err: error }, 'signaling socket'));
    socket.on('close', () => this.#handleClose(socket));
  }

  #handleConnect(socket: Socket): void {
    this.#isReady = true;
    this.#retryMs = RETRY_MS.min;
    socket.write(this.#greeting);
    // The server answers no greeting; but what it forwards to us shows that it has taken ours.
    socket.write(encodeTrivialSignal({ identity: this.#options.identity, bytes: nothing }));
    for (const line of this.#waiting) socket.write(line);
    this.#waiting = [];
  }

  #handleData(socket: Socket, splitter: LineSplitter, chunk: Uint8Array): void {
    try {
      for (const line of splitter.push(chunk)) this.#handleLine(line);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      socket.destroy(); // not this protocol
    }
  }

  #handleLine(line: Uint8Array): void {
    try {
      const { bytes, identity } = decodeTrivialSignal(line);
      if (bytes.length > 0) this.#emitter.emit('signal', { from: undefined, bytes });
      else if (identity === this.#options.identity) this.#tellConnected();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#logger.debug({ err: error }, 'signaling line dropped');
    }
  }

  #handleClose(socket: Socket): void {
    if (this.#isClosed || this.#socket !== socket) return;
    this.#isReady = false;
    this.#timer = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MS.max, this.#retryMs * 2);
  }
}
