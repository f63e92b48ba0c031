import { ByteReader, DecodeError, fromUtf8, utf8 } from '../base/index.ts';
import { type PeerId, SERVER, type TransferMode } from '../multiplayer/index.ts';

/**
 * docs/wire/link.md: the size of every packet. One data channel message of 1000 bytes costs one
 * SCTP packet, one of 1200 costs two; and a packet made for one wire must fit the next.
 */
export const PACKET_BYTES = 1000;
/** u8 type, u32be number. */
export const PACKET_HEADER_BYTES = 5;
/** Longest close reason on the wire, in bytes of UTF-8; the rest is cut. */
export const MAX_REASON_BYTES = 600;

export const PacketType = {
  /** Unreliable messages and control frames; numbered so that a copy is dropped. */
  Frames: 1,
  /** Reliable messages; numbered, acknowledged, sent again on the next wire. */
  Reliable: 2,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** Bits of a message frame's first byte. Bit 6 is 0. */
const Flag = { Mode: 0x03, Channel: 0x04, Peer: 0x08, Fragment: 0x10, System: 0x20, Control: 0x80 };
const UNUSED_BITS = 0x40;

const Control = { Ack: 0x80, Ping: 0x81, Pong: 0x82, Bye: 0x83, ByeAck: 0x84 } as const;

/** Godot's numbers. */
const modes: readonly TransferMode[] = ['unreliable', 'unreliableOrdered', 'reliable'];

export interface MessageHeader {
  readonly mode: TransferMode;
  readonly channel: number;
  /** To the host: the target. From the host: the source. {@link SERVER} is the host itself and takes no bytes. */
  readonly peer: PeerId;
  /** Says who is there; never reaches the game. */
  readonly system: boolean;
}

/** A part of a message. Reliable ones follow each other, so `index` and `id` are unused (0) there. */
export interface FragmentHeader {
  readonly id: number;
  readonly index: number;
  /** Unreliable: how many there are. Reliable: 1 on the last one, else 0. */
  readonly count: number;
}

export interface MessageFrame extends MessageHeader {
  readonly type: 'message';
  /** Of `unreliableOrdered`: goes up on each channel. Otherwise 0. */
  readonly sequence: number;
  readonly fragment: FragmentHeader | undefined;
  /** A view into the packet. */
  readonly bytes: Uint8Array;
}

export type Frame =
  | MessageFrame
  /** All reliable packets below `next` arrived. `resend`: send from there again, now. */
  | { readonly type: 'ack'; readonly next: number; readonly resend: boolean }
  | { readonly type: 'ping' | 'pong'; readonly token: number }
  | { readonly type: 'bye'; readonly reason: string }
  | { readonly type: 'byeAck' };

/** A packet being written, in memory that is used again. */
export class Packet {
  readonly #bytes: Uint8Array = new Uint8Array(PACKET_BYTES);
  #length = PACKET_HEADER_BYTES;
  number = 0;

  /** Forgets what it held. */
  begin(type: PacketType): this {
    this.#bytes[0] = type;
    this.#length = PACKET_HEADER_BYTES;
    return this;
  }

  setNumber(number: number): this {
    this.number = number;
    return this.#u32At(1, number);
  }

  get length(): number {
    return this.#length;
  }

  get room(): number {
    return PACKET_BYTES - this.#length;
  }

  get isEmpty(): boolean {
    return this.#length === PACKET_HEADER_BYTES;
  }

  /** The bytes to send: a view, good until the next `begin`. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The caller has checked `room` against {@link messageFrameBytes}. */
  message(
    header: MessageHeader,
    sequence: number,
    bytes: Uint8Array,
    fragment?: FragmentHeader,
  ): void {
    const { mode, channel, peer } = header;
    let flags = mode === 'reliable' ? 2 : mode === 'unreliableOrdered' ? 1 : 0;
    if (channel !== 0) flags |= Flag.Channel;
    if (peer !== SERVER) flags |= Flag.Peer;
    if (fragment) flags |= Flag.Fragment;
    if (header.system) flags |= Flag.System;
    this.#u8(flags);
    if (channel !== 0) this.#u8(channel);
    if (peer !== SERVER) this.#u32(peer);
    if (mode === 'unreliableOrdered') this.#u32(sequence);
    if (fragment) this.#fragment(mode, fragment);
    const { length } = bytes;
    if (length >= 0x80) this.#u8(0x80 | (length & 0x7f));
    this.#u8(length >= 0x80 ? length >> 7 : length);
    this.#bytes.set(bytes, this.#length);
    this.#length += length;
  }

  ack(next: number, resend: boolean): void {
    this.#u8(Control.Ack);
    this.#u32(next);
    this.#u8(resend ? 1 : 0);
  }

  ping(token: number): void {
    this.#u8(Control.Ping);
    this.#u32(token);
  }

  pong(token: number): void {
    this.#u8(Control.Pong);
    this.#u32(token);
  }

  bye(reason: string): void {
    const bytes = utf8(reason);
    const cut = bytes.length <= MAX_REASON_BYTES ? bytes : utf8(cutText(reason));
    this.#u8(Control.Bye);
    this.#u8(cut.length >> 8);
    this.#u8(cut.length & 0xff);
    this.#bytes.set(cut, this.#length);
    this.#length += cut.length;
  }

  byeAck(): void {
    this.#u8(Control.ByeAck);
  }

  #fragment(mode: TransferMode, fragment: FragmentHeader): void {
    if (mode === 'reliable') {
      this.#u8(fragment.count);
      return;
    }
    for (const field of [fragment.id, fragment.index, fragment.count]) {
      this.#u8(field >> 8);
      this.#u8(field & 0xff);
    }
  }

  #u8(value: number): void {
    this.#bytes[this.#length++] = value;
  }

  #u32(value: number): void {
    this.#u32At(this.#length, value);
    this.#length += 4;
  }

  #u32At(at: number, value: number): this {
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
    return this;
  }
}

/** Room for the control frames that may precede a message: ack, ping, pong. */
export const CONTROL_ROOM_BYTES = 16;

/** Bytes a message frame takes, without its content. */
export function messageFrameBytes(
  header: MessageHeader,
  length: number,
  isFragment = false,
): number {
  const reliable = header.mode === 'reliable';
  return (
    (length >= 0x80 ? 3 : 2) +
    (header.channel !== 0 ? 1 : 0) +
    (header.peer !== SERVER ? 4 : 0) +
    (header.mode === 'unreliableOrdered' ? 4 : 0) +
    (isFragment ? (reliable ? 1 : 6) : 0)
  );
}

/** Content bytes of each fragment of such a message: one fragment fills a packet. */
export function fragmentBytes(header: MessageHeader): number {
  return PACKET_BYTES - PACKET_HEADER_BYTES - messageFrameBytes(header, PACKET_BYTES, true);
}

/** Reads one packet. Everything throws {@link DecodeError} on hostile bytes and nothing else. */
export class PacketReader {
  readonly type: PacketType;
  readonly number: number;
  readonly #reader: ByteReader;

  constructor(packet: Uint8Array) {
    if (packet.length > PACKET_BYTES) throw malformed('packet over its limit', PACKET_BYTES);
    // A plain view: what Node gives is often a Buffer, whose `slice` copies nothing.
    const { buffer, byteOffset, byteLength } = packet;
    this.#reader = new ByteReader(new Uint8Array(buffer, byteOffset, byteLength));
    const type = this.#reader.u8('packet type');
    if (type !== PacketType.Frames && type !== PacketType.Reliable) throw malformed('type', 0);
    this.type = type;
    this.number = this.#reader.u32be('packet number');
  }

  /** `undefined` at the end. */
  next(): Frame | undefined {
    const reader = this.#reader;
    if (reader.remaining === 0) return undefined;
    const first = reader.u8('frame');
    if (first < Flag.Control) return this.#message(first);
    if (this.type !== PacketType.Frames) throw malformed('control frame', reader.offset);
    switch (first) {
      case Control.Ack:
        return { type: 'ack', next: reader.u32be('ack'), resend: reader.u8('resend') === 1 };
      case Control.Ping:
        return { type: 'ping', token: reader.u32be('ping') };
      case Control.Pong:
        return { type: 'pong', token: reader.u32be('pong') };
      case Control.Bye:
        return { type: 'bye', reason: this.#reason() };
      case Control.ByeAck:
        return { type: 'byeAck' };
      default:
        throw malformed('frame type', reader.offset);
    }
  }

  #message(flags: number): MessageFrame {
    const reader = this.#reader;
    const mode = modes[flags & Flag.Mode];
    const reliable = this.type === PacketType.Reliable;
    if (!mode || (flags & UNUSED_BITS) !== 0 || (mode === 'reliable') !== reliable) {
      throw malformed('message flags', reader.offset);
    }
    const channel = flags & Flag.Channel ? reader.u8('channel') : 0;
    const peer = flags & Flag.Peer ? reader.u32be('peer') | 0 : SERVER;
    const sequence = mode === 'unreliableOrdered' ? reader.u32be('sequence') : 0;
    const fragment = flags & Flag.Fragment ? this.#fragment(reliable) : undefined;
    const low = reader.u8('length');
    const length = low < 0x80 ? low : (low & 0x7f) | (reader.u8('length') << 7);
    return {
      type: 'message',
      mode,
      channel,
      peer,
      system: (flags & Flag.System) !== 0,
      sequence,
      fragment,
      bytes: reader.bytes(length, 'message'),
    };
  }

  #fragment(reliable: boolean): FragmentHeader {
    const reader = this.#reader;
    if (reliable) {
      const last = reader.u8('last fragment');
      if (last > 1) throw malformed('last fragment', reader.offset);
      return { id: 0, index: 0, count: last };
    }
    const id = reader.u16be('message id');
    const index = reader.u16be('fragment index');
    const count = reader.u16be('fragment count');
    if (count < 2 || index >= count) throw malformed('fragment index', reader.offset);
    return { id, index, count };
  }

  #reason(): string {
    const length = this.#reader.u16be('reason');
    if (length > MAX_REASON_BYTES) throw malformed('reason', this.#reader.offset);
    const bytes = this.#reader.bytes(length, 'reason');
    try {
      return fromUtf8(bytes);
    } catch {
      throw malformed('reason', this.#reader.offset);
    }
  }
}

function malformed(what: string, offset: number): DecodeError {
  return new DecodeError('WIRE_MALFORMED', what, offset);
}

/** UTF-8 takes at most three bytes for one UTF-16 unit; a surrogate cut in half is left out. */
function cutText(text: string): string {
  return text.slice(0, Math.floor(MAX_REASON_BYTES / 3) - 1).replace(/[\uD800-\uDBFF]$/, '');
}
