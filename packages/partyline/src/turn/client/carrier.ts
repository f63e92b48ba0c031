/** Where a TURN server is; a host in text, name or address, is the carrier's to resolve. */
export interface TurnServerAddress {
  readonly host: string;
  readonly port: number;
  /** Whose certificate TLS has to show, where that is not `host`: ALTERNATE-DOMAIN, RFC 8489 §14.16. */
  readonly domain?: string;
}

/** What a carrier calls; never from inside `open`, `send` or `close`. */
export interface TurnCarrierHandlers {
  /** A datagram, a chunk of a stream, or a message; the bytes may be kept. */
  onBytes(bytes: Uint8Array): void;
  /** At most once, and nothing follows; not after `close`. */
  onClosed(reason: string): void;
}

/**
 * What carries one client's messages to one server. `datagram`: UDP. `stream`: TCP, TLS; frames follow
 * each other. `message`: a WebSocket with one frame in each binary message.
 */
export interface TurnCarrier {
  readonly kind: 'datagram' | 'stream' | 'message';
  /** Bytes accepted by `send` that have not left. A datagram carrier may say 0. */
  readonly bufferedBytes: number;
  /** True once nothing that is sent can arrive, because the machine has changed. Default never. */
  isStale?(): boolean;
  /** The bytes are never written again. Does nothing after the end. */
  send(bytes: Uint8Array): void;
  /** Idempotent. */
  close(): void;
}

/**
 * The seam to the machine's sockets. A UDP socket that others use too can be a carrier: its owner
 * hands on what comes from the server's address.
 */
export interface TurnCarrierFactory {
  /** Rejects when it cannot be had; `signal` ends the attempt. */
  open(
    server: TurnServerAddress,
    handlers: TurnCarrierHandlers,
    signal: AbortSignal,
  ): Promise<TurnCarrier>;
}
