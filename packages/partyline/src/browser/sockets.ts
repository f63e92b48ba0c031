import type { Socket, SocketFactory, SocketHandlers } from '../client/index.ts';

/** The page's own WebSockets. */
export const browserSockets: SocketFactory = Object.freeze({
  open: (url: string, protocols: readonly string[], handlers: SocketHandlers) =>
    new BrowserSocket(url, protocols, handlers),
});

class BrowserSocket implements Socket {
  readonly #socket: WebSocket | undefined;

  constructor(url: string, protocols: readonly string[], handlers: SocketHandlers) {
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, [...protocols]);
    } catch (error) {
      // For example an insecure address on a secure page (SecurityError).
      queueMicrotask(() => handlers.onClosed(String(error)));
      return;
    }
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => handlers.onOpen(socket.protocol);
    socket.onmessage = ({ data: frame }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof frame === 'string') handlers.onText(frame);
      else handlers.onBinary(new Uint8Array(frame));
    };
    socket.onclose = ({ code, reason }) => handlers.onClosed(reason || `close code ${code}`);
    this.#socket = socket;
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  send(frame: string | Uint8Array): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    // A view of a SharedArrayBuffer is the one thing that the DOM's type leaves out; none comes here.
    this.#socket.send(frame as string | Uint8Array<ArrayBuffer>);
  }

  close(): void {
    this.#socket?.close();
  }
}
