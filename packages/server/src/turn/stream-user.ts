/** Unsent bytes of one connection; past it relayed packets are dropped, as UDP would. */
export const MAX_UNSENT_BYTES = 262_144;
/** How long a connection may stay without an allocation. */
export const KNOCK_MS = 15_000;

/** One connection, as the relay sees it. */
export interface StreamClient {
  readonly host: string;
  readonly port: number;
  /** False when it was dropped: the client reads too slowly. */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/** What the relay does with connections. */
export interface StreamUser<Client> {
  /** `messages`: each frame comes and leaves whole, so ChannelData needs no padding. */
  opened(client: StreamClient, framing: 'stream' | 'messages'): Client;
  received(client: Client, frame: Uint8Array): void;
  closed(client: Client): void;
  /** Whether it has an allocation: others may not stay. */
  isInUse(client: Client): boolean;
}

/** A socket that listens on `::` writes IPv4 clients as IPv6; what they are told about themselves is IPv4. */
export function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}
