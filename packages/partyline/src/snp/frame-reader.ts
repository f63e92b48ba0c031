import { DecodeError } from '../base/index.ts';
import { MAX_ACK_COUNT_UPPER, MAX_LANES } from './limits.ts';

/** docs/wire/snp.md: what a lead byte announces. `End` is no frame: the packet is read. */
export const FrameKind = {
  End: 0,
  Unreliable: 1,
  Reliable: 2,
  StopWaiting: 3,
  Ack: 4,
  SelectLane: 5,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

const POSITION_BITS: readonly number[] = [24, 32, 48];
const GAP_BYTES: readonly number[] = [0, 1, 2, 4];
const STOP_WAITING_BYTES: readonly number[] = [1, 2, 3, 8];

/**
 * Walks the frames of one decrypted packet without allocating: {@link FrameReader.next} moves on
 * and the fields describe the frame it stopped at. Numbers are as the wire has them; expanding
 * them needs the state of a lane and is the receiver's job. GNS `ProcessPlainTextDataChunk`.
 */
export class FrameReader {
  kind: FrameKind = FrameKind.End;
  /** The lane that segments belong to. */
  lane = 0;
  /** Where a segment's payload lies in the packet. */
  start = 0;
  end = 0;
  /** Unreliable: 16 or 32 when `messageNumber` are low bits, 0 when it is a step from the last one. */
  messageNumberBits = 0;
  messageNumber = 0;
  /** Unreliable: where in its message the segment begins. */
  messageOffset = 0;
  isLastSegment = false;
  /** Reliable: 24, 32 or 48 when `position` are low bits, 0 when it is a gap after the last segment. */
  positionBits = 0;
  position = 0;
  /** Stop-waiting: packets below `this packet - 1 - offset` need no report. */
  stopWaitingOffset = 0;
  /** Ack: 16 or 32 low bits of the newest packet reported. */
  latestBits = 0;
  latest = 0;
  /** Ack: in units of 32 µs; 0xffff for none. */
  ackDelay = 0;
  /** Ack: explicit blocks not read yet; read them all with {@link FrameReader.nextAckBlock}. */
  ackBlocks = 0;
  ackCount = 0;
  nackCount = 0;

  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;
  #at = 0;
  #hasMessageNumber = false;
  #hasPosition = false;

  /** Starts at the front of `bytes`, of which `length` belong to the packet. */
  reset(bytes: Uint8Array, length: number = bytes.length): void {
    this.#bytes = bytes;
    this.#length = length;
    this.#at = 0;
    this.lane = 0;
    this.ackBlocks = 0;
    this.#hasMessageNumber = false;
    this.#hasPosition = false;
  }

  get offset(): number {
    return this.#at;
  }

  /** @throws DecodeError on anything that GNS would close the connection for. */
  next(): FrameKind {
    while (this.ackBlocks > 0) this.nextAckBlock(); // a reader that skipped them still stays in step
    if (this.#at >= this.#length) {
      this.kind = FrameKind.End;
      return this.kind;
    }
    const lead = this.#uint(1, 'lead byte');
    if (lead < 0x40) this.#unreliable(lead);
    else if (lead < 0x60) this.#reliable(lead);
    else if (lead >= 0x80 && lead < 0x84) this.#stopWaiting(lead);
    else if (lead >= 0x88 && lead < 0x90) this.#selectLane(lead);
    else if (lead >= 0x90 && lead < 0xa0) this.#ack(lead);
    else this.#fail(`lead byte 0x${lead.toString(16)}`);
    return this.kind;
  }

  /** Blocks come newest first. */
  nextAckBlock(): void {
    this.ackBlocks -= 1;
    const header = this.#uint(1, 'ack block');
    this.ackCount = this.#ackNibble(header >> 4, 'ack count');
    this.nackCount = this.#ackNibble(header & 15, 'nack count');
  }

  #unreliable(lead: number): void {
    this.kind = FrameKind.Unreliable;
    this.isLastSegment = (lead & 0x20) !== 0;
    const isWide = (lead & 0x10) !== 0;
    if (this.#hasMessageNumber) {
      this.messageNumberBits = 0;
      this.messageNumber = isWide ? this.#varint('message number step') : 1;
    } else {
      this.messageNumberBits = isWide ? 32 : 16;
      this.messageNumber = this.#uint(isWide ? 4 : 2, 'message number');
      this.#hasMessageNumber = true;
    }
    this.messageOffset = (lead & 0x08) !== 0 ? this.#varint('offset in message') : 0;
    this.#segment(lead & 7);
  }

  #reliable(lead: number): void {
    this.kind = FrameKind.Reliable;
    const size = (lead >> 3) & 3;
    if (this.#hasPosition) {
      this.positionBits = 0;
      this.position = this.#uint(GAP_BYTES[size] ?? 0, 'stream gap');
    } else {
      const bits = POSITION_BITS[size] ?? this.#fail('stream position size');
      this.positionBits = bits;
      this.position = this.#uint(bits / 8, 'stream position');
      this.#hasPosition = true;
    }
    this.#segment(lead & 7);
  }

  #stopWaiting(lead: number): void {
    this.kind = FrameKind.StopWaiting;
    const bytes = STOP_WAITING_BYTES[lead & 3] ?? 1;
    this.stopWaitingOffset = this.#uint(bytes, 'stop waiting');
  }

  #selectLane(lead: number): void {
    this.kind = FrameKind.SelectLane;
    const low = lead & 7;
    this.lane = low < 7 ? low + 1 : this.#varint('lane');
    if (this.lane > MAX_LANES) this.#fail(`lane ${this.lane}`);
    this.#hasMessageNumber = false;
    this.#hasPosition = false;
  }

  #ack(lead: number): void {
    this.kind = FrameKind.Ack;
    this.latestBits = (lead & 0x08) !== 0 ? 16 : 32;
    this.latest = this.#uint(this.latestBits / 8, 'latest packet');
    this.ackDelay = this.#uint(2, 'ack delay');
    const blocks = lead & 7;
    this.ackBlocks = blocks === 7 ? this.#uint(1, 'ack blocks') : blocks;
  }

  #ackNibble(nibble: number, what: string): number {
    if (nibble < 8) return nibble;
    const upper = this.#varint(what);
    if (upper > MAX_ACK_COUNT_UPPER) this.#fail(what);
    return upper * 8 + (nibble & 7);
  }

  #segment(size: number): void {
    let length = this.#length - this.#at;
    if (size <= 4) {
      length = size * 256 + this.#uint(1, 'segment size');
      if (length > this.#length - this.#at) this.#fail('segment');
    } else if (size !== 7) {
      this.#fail('segment size bits');
    }
    this.start = this.#at;
    this.#at += length;
    this.end = this.#at;
  }

  /** Little endian; 64 bits are refused over 2^53, which no honest peer reaches. */
  #uint(bytes: number, what: string): number {
    const at = this.#at;
    if (bytes > this.#length - at) throw new DecodeError('WIRE_TRUNCATED', what, at);
    let value = 0;
    let scale = 1;
    for (let i = 0; i < bytes; i++) {
      value += (this.#bytes[at + i] ?? 0) * scale;
      scale *= 256;
    }
    this.#at = at + bytes;
    if (value > Number.MAX_SAFE_INTEGER) this.#fail(what);
    return value;
  }

  #varint(what: string): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#uint(1, what);
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) break;
      if (byte < 0x80) return value;
    }
    return this.#fail(what);
  }

  #fail(what: string): never {
    throw new DecodeError('WIRE_MALFORMED', `SNP ${what}`, this.#at);
  }
}
