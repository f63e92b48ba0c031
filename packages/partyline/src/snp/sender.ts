import type { Millis } from '../base/index.ts';
import { type FrameWriter, RELIABLE_HEADER_BYTES } from './frame-writer.ts';
import { type LaneOptions, LaneSchedule } from './lane-schedule.ts';
import { MAX_PLAINTEXT_BYTES, MAX_RELIABLE_SEGMENT_BYTES } from './limits.ts';
import type { SnpOptions } from './options.ts';
import type { RoundTrip } from './round-trip.ts';
import { type Segment, SegmentPool, SegmentStatus } from './segments.ts';
import type { SendLane } from './send-lane.ts';
import { type SentPacket, SentPackets } from './sent-packets.ts';

/** A shorter piece of a message is not worth its header (GNS `cbMinSegDataSizeToSend`), in bytes. */
const MIN_SEGMENT_BYTES = 16;
/** Stop-waiting, a short ack, lane and segment header before a message that has a packet to itself, in bytes. */
const OWN_PACKET_HEAD_BYTES = 32;
/**
 * While something old is being repeated no lane runs further ahead than this, because a GNS
 * receiver keeps at most 1 MiB behind a hole and drops the rest, in bytes.
 */
const RECOVERY_SPAN_BYTES = 768 * 1024;
/** Records of packets live so long at most without a new round-trip sample (GNS: 3 s), in ms. */
const MAX_RECORD_MS = 3000;

/** The sending half of {@link Snp}: queues, segments in flight, repetition. */
export class Sender {
  readonly schedule: LaneSchedule;
  /** So much queued fills a packet and does not wait for company. */
  fullPacketBytes: number = MAX_PLAINTEXT_BYTES;
  pendingBytes = 0;
  messagesReliable = 0;
  messagesUnreliable = 0;
  packetsLost = 0;
  unackedBytes = 0;
  /** So much reliable data may be on its way; `maxUnackedBytes` at most. */
  windowBytes = 0;
  /** Oldest packet that the peer is asked to report on; sent as stop-waiting. */
  minWaiting = 0;
  /** When what is queued leaves though it fills no packet; Infinity for none queued. */
  nagleAt: Millis = Number.POSITIVE_INFINITY;
  readonly #options: Required<SnpOptions>;
  readonly #roundTrip: RoundTrip;
  readonly #pool = new SegmentPool();
  readonly #packets: SentPackets;
  readonly #mayServe = (lane: SendLane): boolean => this.#isOpen(lane);
  #lostBytes = 0;
  /** Unreliable messages queued, counted because they may be empty. */
  #unreliableQueued = 0;
  /** Every lane waits for acks: nothing to send until one comes. */
  #isBlocked = false;

  constructor(options: Required<SnpOptions>, roundTrip: RoundTrip) {
    this.#options = options;
    this.#roundTrip = roundTrip;
    this.schedule = new LaneSchedule(this.#pool);
    this.#packets = new SentPackets((packet) => this.#expire(packet));
  }

  /** Is anything queued or to be repeated? */
  get hasPending(): boolean {
    return this.pendingBytes > 0 || this.#unreliableQueued > 0;
  }

  /** Has all that is reliable been sent and acknowledged? */
  get isDelivered(): boolean {
    return this.unackedBytes === 0 && this.schedule.pendingReliableBytes === 0;
  }

  /** Has nothing reliable been sent that is not acknowledged? */
  get isIdle(): boolean {
    return this.unackedBytes === 0 && this.#lostBytes === 0;
  }

  /** Memory that only a busy connection needs goes back. */
  releaseIdle(): void {
    for (const lane of this.schedule.lanes) lane.releaseIdle();
    if (!this.isDelivered) return;
    this.#packets.release();
    this.#pool.releaseIdle();
  }

  configureLanes(options: readonly LaneOptions[]): void {
    this.schedule.configure(options);
  }

  /** Returns the message's number, or 0 when it does not fit into the send buffer. */
  queue(lane: SendLane, bytes: Uint8Array, isReliable: boolean): number {
    if (this.pendingBytes + bytes.length > this.#options.sendBufferBytes) return 0;
    this.schedule.activate(lane);
    const before = lane.pendingReliableBytes + lane.pendingUnreliableBytes;
    const number = isReliable ? lane.queueReliable(bytes) : lane.queueUnreliable(bytes);
    this.pendingBytes += lane.pendingReliableBytes + lane.pendingUnreliableBytes - before;
    if (isReliable) {
      this.messagesReliable += 1;
    } else {
      this.messagesUnreliable += 1;
      this.#unreliableQueued += 1;
    }
    this.#isBlocked = false;
    return number;
  }

  /** When there is something to send, whatever the rate allows; Infinity for nothing. */
  wantsAt(): Millis {
    if (this.#lostBytes > 0) return Number.NEGATIVE_INFINITY;
    if (this.#isBlocked) return Number.POSITIVE_INFINITY;
    if (this.pendingBytes >= this.fullPacketBytes) return Number.NEGATIVE_INFINITY;
    return this.nagleAt;
  }

  /** When the oldest packet in flight counts as lost; Infinity for none. */
  get retryAt(): Millis {
    const oldest = this.unackedBytes > 0 ? this.#packets.waiting : undefined;
    if (oldest === undefined) return Number.POSITIVE_INFINITY;
    return oldest.sentAt + this.#roundTrip.retryMs;
  }

  /** Declares lost what has waited too long, and forgets what nobody will acknowledge. */
  checkTimeouts(now: Millis): void {
    const retryMs = this.#roundTrip.retryMs;
    for (let p = this.#packets.waiting; p !== undefined; p = this.#packets.waiting) {
      if (p.sentAt + retryMs > now) break;
      this.lose(p);
    }
    const sampledAt = this.#roundTrip.sampledAt;
    const sampleAge = sampledAt === undefined ? 0 : Math.min(now - sampledAt, MAX_RECORD_MS);
    const lifetime = Math.max(retryMs * 2 + (sampledAt === undefined ? 1000 : 0), sampleAge);
    for (let p = this.#packets.oldest; p !== undefined; p = this.#packets.oldest) {
      if (p.sentAt >= now - lifetime || !p.isLost) break;
      this.#expire(p);
      this.#packets.remove(p);
    }
  }

  /**
   * Fills the rest of `writer`'s packet; the record of packet `number` is made in any case, since
   * its ack tells the round trip. True when any data went in.
   */
  write(
    writer: FrameWriter,
    target: Uint8Array,
    number: number,
    now: Millis,
    mayHoldData: boolean,
  ): boolean {
    const packet = this.#packets.add(number, now, this.unackedBytes);
    if (!mayHoldData) return false;
    if (!this.#writeLost(writer, target, packet)) return packet.segments.length > 0;
    return this.#writeNew(writer, target, packet) || packet.segments.length > 0;
  }

  /** Packet `number` was never sent after all: what it held is to be sent again. */
  unsent(number: number): void {
    const packet = this.#packets.find(number);
    if (packet === undefined) return;
    const lostBefore = this.packetsLost;
    this.#expire(packet);
    this.#packets.remove(packet);
    this.packetsLost = lostBefore;
  }

  get oldestInFlight(): SentPacket | undefined {
    return this.#packets.oldest;
  }

  inFlight(number: number): SentPacket | undefined {
    return this.#packets.find(number);
  }

  acked(packet: SentPacket): void {
    for (const segment of packet.segments) {
      const lane = this.schedule.lane(segment.lane);
      if (lane === undefined) continue;
      if (segment.status === SegmentStatus.InFlight) {
        lane.unackedBytes -= segment.length;
        this.unackedBytes -= segment.length;
      } else if (segment.status === SegmentStatus.Lost) {
        this.#countLost(lane, -segment.length);
      }
      const isOldest = lane.segments.oldest === segment;
      segment.status = SegmentStatus.Acked;
      if (isOldest) lane.trim();
      this.#pool.release(segment);
    }
    this.#packets.remove(packet);
    this.#isBlocked = false;
  }

  lose(packet: SentPacket): void {
    if (packet.isLost) return;
    packet.isLost = true;
    if (packet.segments.length === 0) return; // not acknowledged on its own, so it tells nothing
    this.packetsLost += 1;
    for (const segment of packet.segments) {
      if (segment.status !== SegmentStatus.InFlight) continue;
      const lane = this.schedule.lane(segment.lane);
      if (lane === undefined) continue;
      segment.status = SegmentStatus.Lost;
      segment.wasLost = true;
      segment.holders += 1;
      lane.lost.push(segment);
      lane.unackedBytes -= segment.length;
      this.unackedBytes -= segment.length;
      this.#countLost(lane, segment.length);
    }
    this.#isBlocked = false;
  }

  #countLost(lane: SendLane, bytes: number): void {
    lane.lostBytes += bytes;
    lane.pendingReliableBytes += bytes;
    this.#lostBytes += bytes;
    this.pendingBytes += bytes;
  }

  #expire(packet: SentPacket): void {
    this.lose(packet);
    for (const segment of packet.segments) this.#pool.release(segment);
  }

  /** False when the packet is full: what is late already goes before anything new. */
  #writeLost(writer: FrameWriter, target: Uint8Array, packet: SentPacket): boolean {
    while (this.#lostBytes > 0) {
      const lane = this.schedule.nextLost();
      const segment = lane?.lost.first();
      if (lane === undefined || segment === undefined) return true;
      if (segment.status !== SegmentStatus.Lost) {
        lane.lost.shift();
        this.#pool.release(segment); // acknowledged while it waited
        continue;
      }
      const header = RELIABLE_HEADER_BYTES + writer.laneBytes(lane.index);
      if (writer.remaining < header + segment.length) return false;
      lane.lost.shift();
      writer.selectLane(lane.index);
      writer.reliable(segment.begin, segment.length, false);
      lane.readSegment(segment, target, writer.payload(segment.length));
      segment.status = SegmentStatus.InFlight;
      packet.segments.push(segment); // the heap's hold passes to the packet
      lane.unackedBytes += segment.length;
      this.unackedBytes += segment.length;
      this.#countLost(lane, -segment.length);
    }
    return true;
  }

  #writeNew(writer: FrameWriter, target: Uint8Array, packet: SentPacket): boolean {
    const start = writer.at;
    for (;;) {
      const lane = this.schedule.next(this.#mayServe);
      if (lane === undefined) {
        this.#isBlocked = this.hasPending;
        break;
      }
      const isWritten = lane.isNextReliable
        ? this.#writeReliable(writer, target, packet, lane)
        : this.#writeUnreliable(writer, target, lane, start);
      if (!isWritten) break;
    }
    if (!this.hasPending) this.nagleAt = Number.POSITIVE_INFINITY;
    return writer.at > start;
  }

  #isOpen(lane: SendLane): boolean {
    if (!lane.isNextReliable) return true;
    const { maxUnackedBytes } = this.#options;
    if (this.unackedBytes >= Math.min(this.windowBytes, maxUnackedBytes)) return false;
    return lane.spanBytes < RECOVERY_SPAN_BYTES || !lane.segments.oldest?.wasLost;
  }

  #writeReliable(
    writer: FrameWriter,
    target: Uint8Array,
    packet: SentPacket,
    lane: SendLane,
  ): boolean {
    const begin = lane.sentTo;
    const header = writer.laneBytes(lane.index) + writer.reliableHeaderBytes(begin, lane.index);
    const room = writer.remaining - header;
    const wanted = Math.min(lane.runBytes, MAX_RELIABLE_SEGMENT_BYTES);
    if (room < Math.min(MIN_SEGMENT_BYTES, wanted)) return false;
    const length = Math.min(wanted, room);
    // Without its size byte a segment reaches to the end of the packet, so it must be the last.
    const isAll = length === this.pendingBytes && this.#unreliableQueued === 0;
    const isLast = room - length < 2 || isAll;
    writer.selectLane(lane.index);
    writer.reliable(lane.sentTo, length, isLast);
    const segment: Segment = this.#pool.take(lane.index, lane.sentTo, length);
    lane.takeReliable(length, target, writer.payload(length));
    lane.segments.push(segment);
    segment.holders += 1;
    packet.segments.push(segment);
    this.unackedBytes += length;
    this.#served(lane, length);
    return !isLast;
  }

  #writeUnreliable(
    writer: FrameWriter,
    target: Uint8Array,
    lane: SendLane,
    dataAt: number,
  ): boolean {
    const number = lane.nextMessageNumber;
    const offset = lane.messageOffset;
    const left = lane.messageBytesLeft;
    const lead = writer.laneBytes(lane.index);
    const room = writer.remaining - lead - writer.unreliableHeaderBytes(number, offset, lane.index);
    if (room < Math.min(MIN_SEGMENT_BYTES, left) || room < 0) return false;
    // Half of a message that fits a packet of its own would only make its loss more likely.
    const fitsAlone = offset === 0 && left <= this.fullPacketBytes - OWN_PACKET_HEAD_BYTES;
    if (left > room && fitsAlone && writer.at > dataAt) return false;
    const length = Math.min(left, room);
    const isWhole = length === left;
    const isAll = isWhole && length === this.pendingBytes && this.#unreliableQueued === 1;
    const isLast = room - length < 2 || isAll;
    writer.selectLane(lane.index);
    writer.unreliable(number, offset, length, isWhole, isLast);
    lane.takeUnreliable(length, target, writer.payload(length));
    if (isWhole) this.#unreliableQueued -= 1;
    this.#served(lane, length);
    return !isLast;
  }

  #served(lane: SendLane, length: number): void {
    this.pendingBytes -= length;
    this.schedule.served(lane, length);
  }
}
