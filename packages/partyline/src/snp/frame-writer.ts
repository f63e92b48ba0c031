/** Bytes of an ack frame without blocks. */
export const ACK_HEADER_BYTES = 5;
/** A reliable segment's header at its largest, size byte included: lead, 48 bits, size. */
export const RELIABLE_HEADER_BYTES = 8;

/**
 * Writes frames into the caller's buffer. It checks no bounds: the caller asks for `remaining`
 * first, because it must choose what to leave out. GNS `SNP_SerializePacketInternal`.
 */
export class FrameWriter {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #lane = 0;
  /** The message number that a reader of this packet holds for the lane; 0 for none. */
  #messageNumber = 0;
  /** Where the last reliable segment ended; 0 for none since the lane was selected. */
  #position = 0;

  /** Writes from `start`, never past `end`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#lane = 0;
    this.#messageNumber = 0;
    this.#position = 0;
  }

  get at(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** `offset` counts from the packet just before this one: docs/wire/snp.md#stop-waiting. */
  stopWaiting(offset: number): void {
    const bytes = offset < 0x100 ? 1 : offset < 0x1_0000 ? 2 : offset < 0x100_0000 ? 3 : 8;
    this.#uint(bytes === 8 ? 0x83 : 0x7f + bytes, 1);
    this.#uint(offset, bytes);
  }

  /** The blocks follow, newest first, through {@link FrameWriter.ackBlock}. */
  ack(latest: number, delay: number, blocks: number): void {
    this.#uint(0x98 | Math.min(blocks, 7), 1);
    this.#uint(latest % 0x1_0000, 2);
    this.#uint(delay, 2);
    if (blocks >= 7) this.#uint(blocks, 1);
  }

  ackBlock(ackCount: number, nackCount: number): void {
    const ack = ackCount < 8 ? ackCount : 8 | (ackCount & 7);
    const nack = nackCount < 8 ? nackCount : 8 | (nackCount & 7);
    this.#uint((ack << 4) | nack, 1);
    if (ackCount >= 8) this.#varint(Math.floor(ackCount / 8));
    if (nackCount >= 8) this.#varint(Math.floor(nackCount / 8));
  }

  /** Bytes that {@link FrameWriter.selectLane} would write. */
  laneBytes(lane: number): number {
    if (lane === this.#lane) return 0;
    if (lane > 0 && lane < 8) return 1;
    return lane < 0x80 ? 2 : 3;
  }

  selectLane(lane: number): void {
    if (lane === this.#lane) return;
    if (lane > 0 && lane < 8) {
      this.#uint(0x87 + lane, 1);
    } else {
      this.#uint(0x8f, 1);
      this.#varint(lane);
    }
    this.#lane = lane;
    this.#messageNumber = 0;
    this.#position = 0;
  }

  /** Bytes of {@link FrameWriter.reliable}'s header without the size byte, on the lane selected. */
  reliableHeaderBytes(position: number, lane: number): number {
    if (lane !== this.#lane || this.#position === 0) return 7;
    const gap = position - this.#position;
    if (gap < 0) return 8; // the lane must be selected again: docs/wire/snp.md#select-lane
    return gap === 0 ? 1 : gap < 0x100 ? 2 : gap < 0x1_0000 ? 3 : 5;
  }

  /** Begins a reliable segment; its `length` bytes follow through {@link FrameWriter.payload}. */
  reliable(position: number, length: number, isLastInPacket: boolean): void {
    const size = isLastInPacket ? 7 : length >> 8;
    const gap = position - this.#position;
    if (this.#position === 0) {
      this.#uint(0x50 | size, 1); // always 48 bits, as GNS writes it
      this.#uint(position, 6);
    } else if (gap === 0) {
      this.#uint(0x40 | size, 1);
    } else if (gap < 0x100) {
      this.#uint(0x48 | size, 1);
      this.#uint(gap, 1);
    } else if (gap < 0x1_0000) {
      this.#uint(0x50 | size, 1);
      this.#uint(gap, 2);
    } else {
      this.#uint(0x58 | size, 1);
      this.#uint(gap, 4);
    }
    if (!isLastInPacket) this.#uint(length & 0xff, 1);
    this.#position = position + length;
    if (this.#messageNumber > 0) this.#messageNumber += 1; // a reader counts so: trap 24
  }

  /** Bytes of {@link FrameWriter.unreliable}'s header without the size byte, on the lane selected. */
  unreliableHeaderBytes(messageNumber: number, messageOffset: number, lane: number): number {
    let bytes = 5;
    if (lane === this.#lane && this.#messageNumber > 0) {
      const step = messageNumber - this.#messageNumber;
      bytes = step === 1 ? 1 : step < 0x80 ? 2 : 6;
    }
    return messageOffset === 0 ? bytes : bytes + (messageOffset < 0x80 ? 1 : 3);
  }

  /** Begins an unreliable segment; its `length` bytes follow through {@link FrameWriter.payload}. */
  unreliable(
    messageNumber: number,
    messageOffset: number,
    length: number,
    isLastSegment: boolean,
    isLastInPacket: boolean,
  ): void {
    const step = messageNumber - this.#messageNumber;
    const isFirst = this.#messageNumber === 0;
    let lead = (isLastSegment ? 0x20 : 0) | (isLastInPacket ? 7 : length >> 8);
    if (isFirst || step !== 1) lead |= 0x10;
    if (messageOffset > 0) lead |= 0x08;
    this.#uint(lead, 1);
    if (isFirst) this.#uint(messageNumber % 2 ** 32, 4);
    else if (step !== 1) this.#varint(step);
    if (messageOffset > 0) this.#varint(messageOffset);
    if (!isLastInPacket) this.#uint(length & 0xff, 1);
    this.#messageNumber = messageNumber;
  }

  /** Where the payload of the segment just begun goes; moves past it. */
  payload(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #uint(value: number, bytes: number): void {
    let rest = value;
    for (let i = 0; i < bytes; i++) {
      this.#bytes[this.#at++] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }
}
