import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

const corked = new Set<Socket>();

/**
 * Holds what is written to a socket until the end of this turn of the event loop, so that many small
 * frames leave in one system call.
 */
function corkUntilEndOfTurn(socket: Socket): void {
  if (corked.has(socket)) return;
  if (corked.size === 0) setImmediate(uncorkAll);
  corked.add(socket);
  socket.cork();
}

function uncorkAll(): void {
  const sockets = [...corked];
  corked.clear();
  for (const socket of sockets) socket.uncork();
}

/** What leaves on one WebSocket, and how much of it is still waiting. */
export class Outbox {
  readonly #ws: WebSocket;
  readonly #socket: Socket;

  /** `socket` is what the WebSocket was upgraded from. */
  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws;
    this.#socket = socket;
  }

  /** Bytes not yet handed to the system. */
  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  /** Calls back when everything written so far has left; not at all if the socket closes first. */
  onceDrained(callback: () => void): void {
    this.#socket.once('drain', callback);
  }

  /** False when the socket is closing. */
  send(frame: Uint8Array | string, binary: boolean): boolean {
    if (this.#ws.readyState !== WebSocket.OPEN) return false;
    corkUntilEndOfTurn(this.#socket);
    this.#ws.send(frame, { binary });
    return true;
  }
}
