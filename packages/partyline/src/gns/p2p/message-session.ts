import { ByteReader, ByteWriter, DecodeError, type Millis } from '../../base/index.ts';
import type { GnsConnection } from '../connection.ts';
import type { Problem } from '../packet-exchange.ts';

/** u8 flags (1), i32 channel: before each message (GNS `P2PMessageHeader`). */
export const SESSION_HEADER_BYTES = 5;
const HEADER_FLAGS = 1;

/** A message of a session, with the channel it is for. */
export interface SessionMessage {
  /** Who sent it. */
  readonly from: string;
  /** 32 bits, signed. */
  readonly channel: number;
  readonly bytes: Uint8Array;
  readonly isReliable: boolean;
}

export function encodeSessionMessage(channel: number, bytes: Uint8Array): Uint8Array {
  return new ByteWriter(SESSION_HEADER_BYTES + bytes.length)
    .u8(HEADER_FLAGS)
    .u32le(channel >>> 0)
    .bytes(bytes)
    .finish();
}

/** `bytes` are a view. @throws DecodeError */
export function decodeSessionMessage(message: Uint8Array): { channel: number; bytes: Uint8Array } {
  const reader = new ByteReader(message);
  const flags = reader.u8('flags');
  if ((flags & HEADER_FLAGS) === 0) throw new DecodeError('WIRE_MALFORMED', 'session flags', 0);
  const channel = reader.u32le('channel') | 0;
  return { channel, bytes: reader.bytes(reader.remaining) };
}

/** Bytes taken from a connection and not yet by the application; beyond it the peer is slowed down. */
const MAX_QUEUED_BYTES = 1024 * 1024;
const MAX_QUEUED_MESSAGES = 1000;

/** What one peer and we say to each other without a connection: there is one while it is needed. */
export class MessageSession {
  readonly identity: string;
  connection: GnsConnection | undefined;
  /** Why the last connection broke; sending is refused until the application restarts it. */
  broken: Problem | undefined;
  wasConnected = false;
  idleAt: Millis = 0;
  /** Channels on which something came, and was not closed since. */
  readonly channels: Set<number> = new Set();
  readonly #queue: SessionMessage[] = [];
  #bytes = 0;
  /** Messages that had no header. */
  malformed = 0;

  constructor(identity: string) {
    this.identity = identity;
  }

  get isWaiting(): boolean {
    const { connection } = this;
    return connection?.role === 'server' && connection.state === 'connecting';
  }

  /** Takes what came, as far as there is room. True when there was something. */
  drain(now: Millis): boolean {
    let hasNew = false;
    while (this.#bytes < MAX_QUEUED_BYTES && this.#queue.length < MAX_QUEUED_MESSAGES) {
      const message = this.connection?.receive(now);
      if (message === undefined) break;
      hasNew = this.#take(message.bytes, message.isReliable) || hasNew;
    }
    return hasNew;
  }

  #take(message: Uint8Array, isReliable: boolean): boolean {
    try {
      const { channel, bytes } = decodeSessionMessage(message);
      this.channels.add(channel);
      this.#queue.push({ from: this.identity, channel, bytes, isReliable });
      this.#bytes += bytes.length;
      return true;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.malformed += 1;
      return false;
    }
  }

  /** The oldest message for a channel. */
  shift(channel: number): SessionMessage | undefined {
    const at = this.#queue.findIndex((message) => message.channel === channel);
    if (at < 0) return undefined;
    const [message] = this.#queue.splice(at, 1);
    this.#bytes -= message?.bytes.length ?? 0;
    return message;
  }

  /** Forgets what waits on a channel. */
  purge(channel: number): void {
    this.channels.delete(channel);
    while (this.shift(channel) !== undefined);
  }
}
