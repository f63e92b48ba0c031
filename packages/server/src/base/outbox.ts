import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { encodeFrames, type Frame } from './frames.ts';

const unflushed = new Set<Outbox>();

function flushAll(): void {
  const outboxes = [...unflushed];
  unflushed.clear();
  for (const outbox of outboxes) outbox.flush();
}

/**
 * What leaves on one WebSocket, and how much of it is still waiting. The frames of one turn of the
 * event loop leave as one buffer in one system call, which costs more than all the rest: `ws` would
 * make two buffers, two stream writes and a callback of each frame.
 */
export class Outbox {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  #frames: Frame[] = [];
  #bytes = 0;

  /** `socket` is what the WebSocket was upgraded from, without extensions. */
  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws;
    this.#socket = socket;
  }

  /** Bytes not yet handed to the system. */
  get bufferedBytes(): number {
    return this.#ws.bufferedAmount + this.#bytes;
  }

  /** Calls back when everything written so far has left; not at all if the socket closes first. */
  onceDrained(callback: () => void): void {
    this.#socket.once('drain', callback);
  }

  /** False when the socket is closing. The frame is not copied before the turn ends. */
  send(content: Uint8Array | string, isBinary: boolean): boolean {
    if (this.#ws.readyState !== WebSocket.OPEN) return false;
    if (this.#frames.length === 0) {
      if (unflushed.size === 0) setImmediate(flushAll);
      unflushed.add(this);
    }
    const length = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
    this.#frames.push({ content, length, isBinary });
    this.#bytes += length;
    return true;
  }

  /** Writes what waits. To be called before the socket is closed: behind the close frame nothing is read. */
  flush(): void {
    if (this.#frames.length === 0) return;
    const bytes = encodeFrames(this.#frames);
    this.#frames = [];
    this.#bytes = 0;
    if (this.#ws.readyState === WebSocket.OPEN) this.#socket.write(bytes);
  }
}
