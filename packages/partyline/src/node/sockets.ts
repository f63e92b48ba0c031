import WebSocket from 'ws';
import { utf8 } from '../base/index.ts';
import type { Socket, SocketFactory, SocketHandlers } from '../client/index.ts';

/** A frame of the server, in bytes: a resume into eight full lobbies fits. */
export const MAX_FRAME_BYTES: number = 8 * 1024 * 1024;

/** WebSockets by `ws`: Node 20 has none of its own. */
export const nodeSockets: SocketFactory = Object.freeze({
  open: (url: string, protocols: readonly string[], handlers: SocketHandlers) =>
    new NodeSocket(url, protocols, handlers),
});

class NodeSocket implements Socket {
  readonly #socket: WebSocket;

  constructor(url: string, protocols: readonly string[], handlers: SocketHandlers) {
    const socket = new WebSocket(url, [...protocols], {
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false, // frames are small, and it costs memory for each socket
    });
    let failure = '';
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
    this.#socket.send(typeof frame === 'string' ? utf8(frame) : frame, {
      binary: typeof frame !== 'string',
    });
  }

  close(): void {
    this.#socket.close();
  }
}
