import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls';
import { StreamSplitter } from 'partyline/protocol/stun';
import { MAX_TURN_FRAME_BYTES, turnFrameLength } from 'partyline/protocol/turn';
import { addressKey, type Clock } from '../base/index.ts';
import {
  KNOCK_MS,
  MAX_UNSENT_BYTES,
  plainHost,
  type StreamClient,
  type StreamUser,
} from './stream-user.ts';

/** TLS's handshake begins with this byte (RFC 8446 §5.1), STUN with less than 4 (RFC 8489 §5). */
const TLS_HANDSHAKE = 0x16;
/** A connection without a byte for this long is closed; a live allocation is refreshed more often. */
const IDLE_MS = 900_000;
export interface StreamLimits {
  readonly connections: number;
  /** Of an IPv4 address or an IPv6 /64. */
  readonly connectionsPerAddress: number;
}

/** TCP, and TLS on the same port: the first byte tells. */
export class StreamClients<Client> {
  readonly #user: StreamUser<Client>;
  readonly #limits: StreamLimits;
  readonly #clock: Clock;
  readonly #servers: Server[] = [];
  readonly #tls: TlsServer | undefined;
  readonly #open = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();

  constructor(
    user: StreamUser<Client>,
    options: {
      readonly clock: Clock;
      readonly limits: StreamLimits;
      readonly tls?: TlsOptions | undefined;
    },
  ) {
    this.#user = user;
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#tls = options.tls && createTlsServer(options.tls, (socket) => this.#serve(socket));
    this.#tls?.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  get size(): number {
    return this.#open.size;
  }

  get isTls(): boolean {
    return this.#tls !== undefined;
  }

  /** @throws the system's error, for example `EADDRINUSE` */
  async listen(host: string, port: number): Promise<void> {
    const server = createServer((socket) => this.accept(socket));
    const listening = once(server, 'listening');
    server.listen({ host, port, ipv6Only: true, exclusive: true });
    await listening;
    this.#servers.push(server);
  }

  /** New connections get this certificate; those that are open are not touched. */
  reloadTls(options: TlsOptions): void {
    this.#tls?.setSecureContext(options);
  }

  /** A connection that somebody else may have accepted; its bytes have not been read, or were put back. */
  accept(socket: Socket): void {
    const key = addressKey(socket.remoteAddress ?? '');
    const ofAddress = this.#perAddress.get(key) ?? 0;
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#open.size >= connections || ofAddress >= connectionsPerAddress) {
      socket.destroy();
      return;
    }
    this.#open.add(socket);
    this.#perAddress.set(key, ofAddress + 1);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#open.delete(socket);
      const left = (this.#perAddress.get(key) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(key, left);
      else this.#perAddress.delete(key);
    });
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    if (this.#tls) this.#sniff(socket, this.#tls);
    else this.#serve(socket);
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#tls?.close();
    const closing = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    await Promise.all(closing);
  }

  #sniff(socket: Socket, tls: TlsServer): void {
    const cancel = this.#clock.after(KNOCK_MS, () => socket.destroy());
    socket.once('readable', () => {
      cancel();
      const chunk: Buffer | null = socket.read();
      if (!chunk) return; // it ended
      socket.unshift(chunk);
      if (chunk[0] === TLS_HANDSHAKE) tls.emit('connection', socket);
      else this.#serve(socket);
    });
  }

  #serve(socket: Socket): void {
    const { remoteAddress: host, remotePort: port } = socket;
    if (host === undefined || port === undefined) {
      socket.destroy(); // gone before it was looked at
      return;
    }
    const client = this.#user.opened(new StreamWriter(socket, plainHost(host), port), 'stream');
    const splitter = new StreamSplitter(turnFrameLength, MAX_TURN_FRAME_BYTES);
    const cancel = this.#clock.after(KNOCK_MS, () => {
      if (!this.#user.isInUse(client)) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (!splitter.split(chunk, (frame) => this.#user.received(client, frame))) socket.destroy();
    });
    socket.once('close', () => {
      cancel();
      this.#user.closed(client);
    });
  }
}

class StreamWriter implements StreamClient {
  readonly host: string;
  readonly port: number;
  readonly #socket: Socket;
  #isCorked = false;

  constructor(socket: Socket, host: string, port: number) {
    this.#socket = socket;
    this.host = host;
    this.port = port;
  }

  send(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.writableLength > MAX_UNSENT_BYTES || !socket.writable) return false;
    if (!this.#isCorked) {
      // What comes in one turn leaves in one system call.
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
    return true;
  }

  close(): void {
    this.#socket.destroy();
  }
}
