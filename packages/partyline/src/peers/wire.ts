import type { WireKind } from '../multiplayer/index.ts';

/**
 * One way for packets between two members: a pair of data channels, a relay socket, a queue in
 * memory. A {@link Link} uses one wire at a time and can be moved to another while playing.
 *
 * What a wire promises: packets sent with `reliable` arrive whole, once and in order as long as the
 * wire lives; others arrive whole, at most once, or not at all. It is open from the start (made when
 * it can carry bytes and the other side is verified) and keeps no packet after `send` returns.
 */
export interface Wire {
  readonly kind: WireKind;
  /** Largest packet, in bytes: what fits one datagram for unreliable ones. */
  readonly maxPacketBytes: number;
  /** Bytes accepted and not yet handed to the network. */
  readonly bufferedBytes: number;
  /** False when it cannot take the packet now (full or closed): an unreliable one is then dropped by the caller, a reliable one kept. */
  send(packet: Uint8Array, reliable: boolean): boolean;
  /** Idempotent. */
  close(): void;
}

/** Who opens a wire passes these; all calls come from the wire, never from inside `send`. */
export interface WireHandlers {
  /** The bytes are valid during the call only. */
  onPacket(packet: Uint8Array, reliable: boolean): void;
  /** `send` may work again after it returned false. */
  onWritable(): void;
  /** Once; nothing follows. */
  onClosed(reason: string): void;
}
