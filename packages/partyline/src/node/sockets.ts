import type { Socket as Stream } from 'node:net';
import WebSocket from 'ws';
import type { Socket, SocketFactory, SocketHandlers } from '../client/index.ts';

/** A frame of the server, in bytes: a resume into eight full lobbies fits. */
export const MAX_FRAME_BYTES: number = 8 * 1024 * 1024;

/** How long a silent server can keep a closed socket, and with it the program, alive. `ws`: 30 s. */
const CLOSE_TIMEOUT_MS = 2000;

/** WebSockets by `ws`: Node 20 has none of its own. */
export const nodeSockets: SocketFactory = Object.freeze({
  open: (url: string, protocols: readonly string[], handlers: SocketHandlers) =>
    new NodeSocket(url, protocols, handlers),
});

class NodeSocket implements Socket {
  readonly #socket: WebSocket;
  #stream: Stream | undefined;
  #isCorked = false;

  constructor(url: string, protocols: readonly string[], handlers: SocketHandlers) {
    const options = {
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false, // frames are small, and it costs memory for each socket
      closeTimeout: CLOSE_TIMEOUT_MS,
    };
    const socket = new WebSocket(url, [...protocols], options);
    let failure = '';
    socket.on('upgrade', (response) => {
      this.#stream = response.socket;
    });
    socket.on('open', () => handlers.onOpen(socket.protocol));
    socket.on('message', (frame: Buffer, isBinary) => {
      if (isBinary)
        handlers.onBinary(new Uint8Array(frame)); // a copy: `ws` reuses its pool
      else handlers.onText(frame.toString('utf8'));
    });
    socket.on('error', (error) => {
      failure = error.message;
    });
    socket.on('close', (code, reason) => {
      handlers.onClosed(reason.toString('utf8') || failure || `close code ${code}`);
    });
    this.#socket = socket;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: string | Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#corkUntilNextTick();
    const isText = typeof frame === 'string';
    // Bytes, because `ws` masks them into one buffer with their header, and a string into two.
    this.#socket.send(isText ? Buffer.from(frame) : frame, { binary: !isText });
  }

  close(): void {
    this.#socket.close();
  }

  /** What is sent in one go leaves in one system call: it costs more than all of the rest. */
  #corkUntilNextTick(): void {
    if (this.#isCorked || !this.#stream) return;
    this.#isCorked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#stream?.uncork();
    });
  }
}
