import { DecodeError, type Millis } from '../base/index.ts';
import type { FrameReader } from './frame-reader.ts';
import { Inbox, type ReceivedMessage } from './inbox.ts';
import { MAX_SEGMENT_BYTES, MAX_UNRELIABLE_BYTES } from './limits.ts';
import { MessageParser } from './message-parser.ts';
import { nearestWithLowBits, rangeOf } from './numbers.ts';
import type { SnpOptions } from './options.ts';
import { PacketGaps } from './packet-gaps.ts';
import { ReliableStream } from './reliable-stream.ts';
import { UnreliableFragments } from './unreliable-fragments.ts';

/** What one lane has received. */
class ReceiveLane {
  readonly numbers = { highest: 0 };
  readonly fragments = new UnreliableFragments();
  readonly parser: MessageParser;
  readonly stream: ReliableStream;

  constructor(lane: number, inbox: Inbox, options: Required<SnpOptions>) {
    this.parser = new MessageParser(lane, inbox, this.numbers, options);
    this.stream = new ReliableStream(this.parser, options);
  }
}

/** Which messages are taken: GNS drops unreliable ones while a route is found, and all while it lingers. */
export type Acceptance = 'all' | 'reliable' | 'none';

/** The packet under way. It is read within one call, so that all conversations share this. */
const packet = {
  now: 0,
  messageNumber: 0,
  position: 0,
  isRefused: false,
  holdsReliable: false,
  segmentsLeft: 0,
};

/** The receiving half of {@link Snp}: segments in, messages out, and what to acknowledge. */
export class Receiver {
  readonly gaps: PacketGaps = new PacketGaps();
  acceptance: Acceptance = 'all';
  messagesReliable = 0;
  messagesUnreliable = 0;
  /** Segments refused for want of room; their packets were not acknowledged. */
  refusedSegments = 0;
  readonly #options: Required<SnpOptions>;
  readonly #inbox: Inbox;
  readonly #lanes: (ReceiveLane | undefined)[] = [];
  /** Lanes whose reliable stream waits for room in the inbox. */
  readonly #stalled = new Set<number>();
  #sinceAck = 0;

  constructor(options: Required<SnpOptions>) {
    this.#options = options;
    this.#inbox = new Inbox(options);
  }

  get inboxLength(): number {
    return this.#inbox.length;
  }

  begin(now: Millis): void {
    packet.now = now;
    packet.messageNumber = 0;
    packet.position = 0;
    packet.isRefused = false;
    packet.holdsReliable = false;
    packet.segmentsLeft = this.#options.maxSegmentsPerPacket;
  }

  laneSelected(): void {
    packet.messageNumber = 0;
    packet.position = 0;
  }

  /** False when the packet holds more segments than are taken: the rest of it is not read. */
  takeSegment(): boolean {
    packet.segmentsLeft -= 1;
    if (packet.segmentsLeft >= 0) return true;
    packet.isRefused = true;
    return false;
  }

  unreliable(frame: FrameReader, bytes: Uint8Array): void {
    const lane = this.#lane(frame.lane);
    if (frame.messageNumberBits === 0) packet.messageNumber += frame.messageNumber;
    else {
      const { highest } = lane.numbers;
      const number = nearestWithLowBits(frame.messageNumber, frame.messageNumberBits, highest);
      if (number <= 0) throw new DecodeError('WIRE_MALFORMED', 'unreliable message number', 0);
      packet.messageNumber = number;
    }
    const number = packet.messageNumber;
    if (number > Number.MAX_SAFE_INTEGER) {
      throw new DecodeError('WIRE_MALFORMED', 'unreliable message number', 0);
    }
    if (number > lane.numbers.highest) lane.numbers.highest = number;
    const length = frame.end - frame.start;
    if (frame.messageOffset + length > MAX_UNRELIABLE_BYTES || length > MAX_SEGMENT_BYTES) return;
    if (this.acceptance !== 'all') {
      packet.isRefused = true;
      return;
    }
    const isWhole = frame.messageOffset === 0 && frame.isLastSegment;
    const message = isWhole
      ? bytes.slice(frame.start, frame.end)
      : lane.fragments.add(
          number,
          frame.messageOffset,
          bytes.subarray(frame.start, frame.end),
          frame.isLastSegment,
        );
    if (message !== undefined) this.#deliver(frame.lane, number, message);
  }

  reliable(frame: FrameReader, bytes: Uint8Array): void {
    const lane = this.#lane(frame.lane);
    packet.holdsReliable = true;
    const { stream } = lane;
    if (frame.positionBits === 0) packet.position += frame.position;
    else packet.position = expandPosition(frame.position, frame.positionBits, stream.expected);
    if (packet.position <= 0 || packet.position > Number.MAX_SAFE_INTEGER) {
      throw new DecodeError('WIRE_MALFORMED', 'reliable stream position', 0);
    }
    const begin = packet.position;
    packet.position += frame.end - frame.start;
    if (packet.messageNumber > 0) packet.messageNumber += 1;
    if (frame.end === frame.start || this.acceptance === 'none') return;
    const { start, end } = frame;
    const before = this.#inbox.length;
    const mayHold = this.#heldBytes() < this.#options.reassemblyBytes;
    if (!stream.push(packet.now, begin, bytes, start, end, mayHold)) this.#refuse();
    this.messagesReliable += this.#inbox.length - before;
    if (lane.parser.isHolding) this.#stalled.add(frame.lane);
  }

  /** The packet is read: record it, unless something of it could not be kept. */
  end(packetNumber: number, pingMs: number): void {
    if (packet.isRefused) {
      // GNS: the peer should soon learn that this was lost, but not be flooded with it.
      const ping = pingMs < 0 || pingMs > 100 ? 100 : pingMs;
      this.gaps.scheduleAck(packet.now + (ping + 5) * 2);
      return;
    }
    this.gaps.record(packetNumber, packet.now, packet.holdsReliable);
    if (!packet.holdsReliable) return;
    this.#sinceAck += 1;
    const { ackEveryPackets } = this.#options;
    if (ackEveryPackets > 0 && this.#sinceAck >= ackEveryPackets) this.gaps.scheduleAck(packet.now);
  }

  ackWritten(): void {
    this.#sinceAck = 0;
  }

  /** The next message, or `undefined`; what waited for its room moves up. */
  receive(now: Millis): ReceivedMessage | undefined {
    const message = this.#inbox.shift();
    if (this.#stalled.size > 0) this.#resume(now);
    return message;
  }

  /** Memory that only a busy connection needs goes back. */
  releaseIdle(): void {
    for (const lane of this.#lanes) lane?.stream.releaseIdle();
  }

  #resume(now: Millis): void {
    for (const index of this.#stalled) {
      const lane = this.#lanes[index];
      const before = this.#inbox.length;
      lane?.stream.resume(now);
      this.messagesReliable += this.#inbox.length - before;
      if (!lane?.parser.isHolding) this.#stalled.delete(index);
    }
  }

  #deliver(lane: number, number: number, bytes: Uint8Array): void {
    if (!this.#inbox.hasRoom(bytes.length)) {
      this.#refuse();
      return;
    }
    this.messagesUnreliable += 1;
    this.#inbox.push({ bytes, lane, number, isReliable: false, receivedAt: packet.now });
  }

  #refuse(): void {
    packet.isRefused = true;
    this.refusedSegments += 1;
  }

  #lane(index: number): ReceiveLane {
    const known = this.#lanes[index];
    if (known !== undefined) return known;
    const lane = new ReceiveLane(index, this.#inbox, this.#options);
    this.#lanes[index] = lane;
    return lane;
  }

  #heldBytes(): number {
    if (this.#lanes.length === 1) return this.#lanes[0]?.stream.heldBytes ?? 0;
    let held = 0;
    for (const lane of this.#lanes) held += lane?.stream.heldBytes ?? 0;
    return held;
  }
}

/** GNS takes the upper bits of what it expects and corrects upwards only. */
function expandPosition(low: number, bits: number, expected: number): number {
  const range = rangeOf(bits);
  const position = Math.floor(expected / range) * range + low;
  return position + range / 2 - 1 < expected ? position + range : position;
}
