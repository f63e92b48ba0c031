/** What a {@link SocketFactory} calls; never from inside `open`, `send` or `close`. */
export interface SocketHandlers {
  /** Open, with the subprotocol that the server chose (empty when none). */
  onOpen(protocol: string): void;
  onText(text: string): void;
  /** The bytes are the handler's to keep. */
  onBinary(bytes: Uint8Array): void;
  /** Exactly once, whether it was ever open or not; nothing follows. */
  onClosed(reason: string): void;
}

/** A WebSocket as this package needs it. */
export interface Socket {
  /** Bytes accepted by `send` and not yet handed to the network. */
  readonly bufferedAmount: number;
  /** Does nothing before `onOpen` and after the end. */
  send(frame: string | Uint8Array): void;
  /** Idempotent; `onClosed` follows. */
  close(): void;
}

/** The seam to the machine's WebSocket: `ws` in Node, the built-in one in browsers, a pair in memory in tests. */
export interface SocketFactory {
  /** Never throws: what fails is told by `onClosed`. */
  open(url: string, protocols: readonly string[], handlers: SocketHandlers): Socket;
}
