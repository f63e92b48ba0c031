import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Logger, NetError, silentLogger } from '../base/index.ts';
import type { DatagramBatch, UdpAddress } from '../gns/index.ts';

export interface UdpDriverOptions {
  /** Numeric address to bind. Default `0.0.0.0`; an IPv6 one takes IPv4 peers too. */
  host?: string;
  /** Port to bind; 0 lets the system choose. Default 0. */
  port?: number;
  /** The only peer: the socket is connected, which sends faster and hears nobody else. Default none. */
  peer?: UdpAddress;
  /** Default: no logs. */
  logger?: Logger;
}

/** Datagrams that came in one turn of the event loop; the arrays are reused for the next. */
export interface ReceivedBatch {
  readonly count: number;
  readonly from: readonly UdpAddress[];
  readonly bytes: readonly Uint8Array[];
}

/** The kernel's queue holds what arrives while JavaScript is busy (the system may allow less). */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * One UDP socket that gives and takes batches. Knows no protocol and keeps no clock. A native
 * driver can stand in its place: the batches are what sendmmsg and recvmmsg want.
 */
export class UdpDriver implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #onReceive: (batch: ReceivedBatch) => void;
  readonly #peer: UdpAddress | undefined;
  readonly #logger: Logger;
  readonly #batch = { count: 0, from: [] as UdpAddress[], bytes: [] as Uint8Array[] };
  #closed: Promise<void> | undefined;
  /** Datagrams that the system did not take. */
  sendErrors = 0;

  /** @throws NetError `UDP_SOCKET` with the system's error as cause */
  static async open(
    onReceive: (batch: ReceivedBatch) => void,
    options: UdpDriverOptions = {},
  ): Promise<UdpDriver> {
    const host = options.host ?? (isIPv6(options.peer?.host ?? '') ? '::' : '0.0.0.0');
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Addresses are numeric: a real look-up would delay every datagram by a turn, and cost as much.
      lookup: (address, _options, callback) =>
        callback(null, address, address.includes(':') ? 6 : 4),
    });
    try {
      await settled(socket, (done) => socket.bind(options.port ?? 0, host, done));
      const { peer } = options;
      if (peer) await settled(socket, (done) => socket.connect(peer.port, peer.host, done));
    } catch (cause) {
      socket.close();
      throw new NetError('UDP_SOCKET', `cannot open a socket on ${host}`, { cause });
    }
    return new UdpDriver(socket, onReceive, options);
  }

  private constructor(
    socket: Socket,
    onReceive: (batch: ReceivedBatch) => void,
    { peer, logger = silentLogger }: UdpDriverOptions,
  ) {
    this.#socket = socket;
    this.#onReceive = onReceive;
    this.#peer = peer;
    this.#logger = logger;
    socket.on('message', (bytes, from) => this.#collect(bytes, from));
    socket.on('error', (error) => {
      // Mostly ECONNREFUSED of a connected socket: GNS learns of it by silence.
      this.sendErrors += 1;
      this.#logger.debug({ err: error }, 'udp socket error');
    });
  }

  get localAddress(): UdpAddress {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  /** Gives all datagrams of the batch to the system, which copies them; the batch is empty then. */
  send(batch: DatagramBatch<UdpAddress>): void {
    for (let i = 0; i < batch.count && this.#closed === undefined; i++) {
      const at = i * batch.slotBytes;
      const length = batch.lengths[i] ?? 0;
      const to = batch.to[i];
      if (this.#peer !== undefined) this.#socket.send(batch.memory, at, length);
      else if (to !== undefined) this.#socket.send(batch.memory, at, length, to.port, to.host);
    }
    batch.clear();
    // What the system could not take at once it still reads later.
    if (this.#closed === undefined && this.#socket.getSendQueueCount() > 0) batch.abandonMemory();
  }

  /** Gives what has come so far now, not at the end of this turn of the event loop. */
  deliver(): void {
    if (this.#closed !== undefined || this.#batch.count === 0) return;
    this.#onReceive(this.#batch);
    this.#batch.count = 0;
    this.#batch.bytes.length = 0;
  }

  /** The process may end though the socket is open. */
  unref(): void {
    this.#socket.unref();
  }

  /** Safe to call twice; settles once the socket is closed. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #collect(bytes: Uint8Array, from: RemoteInfo): void {
    if (from.port === 0) return; // RFC 768: no answer wanted; Node throws when it is sent to
    const batch = this.#batch;
    // A plain array: `slice` of a Buffer would be a view, not the copy that the cores count on.
    batch.bytes[batch.count] = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    batch.from[batch.count] = this.#peer ?? { host: from.address, port: from.port };
    batch.count += 1;
    if (batch.count === 1) setImmediate(() => this.deliver());
  }
}

/** What `once` of `node:events` would give, with a part of its work. `connect` hands its error to `done`. */
function settled(socket: Socket, begin: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    begin((error) => {
      socket.off('error', reject);
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
