import type {
  Socket,
  SocketFactory,
  SocketHandlers,
} from '../../../packages/partyline/src/client/index.ts';

/** Which messages are the last to get through on their socket. */
export interface Cut {
  readonly direction: 'sent' | 'received';
  /** Counted from 1 over all sockets; the message itself still gets through. */
  readonly after: readonly number[];
  /** Runs at the cut; the socket that carried the message is cut as well. */
  readonly kill?: () => void;
}

/** Real sockets that are cut after given messages. */
export class CuttingSockets implements SocketFactory {
  readonly counts = { sent: 0, received: 0 };
  readonly #real: SocketFactory;
  readonly #cut: Cut;
  #hasCut = false;

  constructor(real: SocketFactory, cut: Cut) {
    this.#real = real;
    this.#cut = cut;
  }

  get hasCut(): boolean {
    return this.#hasCut;
  }

  open(url: string, protocols: readonly string[], handlers: SocketHandlers): Socket {
    let isCut = false;
    const receive = (deliver: () => void): void => {
      if (isCut) return;
      deliver();
      if (this.#count('received')) cut();
    };
    const socket = this.#real.open(url, protocols, {
      onOpen: (protocol) => handlers.onOpen(protocol),
      onText: (text) => receive(() => handlers.onText(text)),
      onBinary: (bytes) => receive(() => handlers.onBinary(bytes)),
      onClosed: (reason) => handlers.onClosed(reason),
    });
    const cut = (): void => {
      isCut = true;
      socket.close();
      this.#cut.kill?.();
    };
    return {
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (frame) => {
        if (isCut) return;
        socket.send(frame);
        if (this.#count('sent')) cut();
      },
      close: () => socket.close(),
    };
  }

  #count(direction: Cut['direction']): boolean {
    this.counts[direction]++;
    const isDue =
      direction === this.#cut.direction && this.#cut.after.includes(this.counts[direction]);
    if (isDue) this.#hasCut = true;
    return isDue;
  }
}
