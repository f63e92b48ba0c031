import { DecodeError, type Millis, NetError } from '../base/index.ts';
import { AckBlocks } from './acks.ts';
import { CongestionControl } from './congestion.ts';
import { FlightWindow } from './flight-window.ts';
import { FrameKind, FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import type { ReceivedMessage } from './inbox.ts';
import type { LaneOptions } from './lane-schedule.ts';
import { type LaneStatus, laneStatuses } from './lane-status.ts';
import { ACK_DELAY_UNIT_MS, MAX_UNRELIABLE_SEND_BYTES, NO_ACK_DELAY } from './limits.ts';
import { nearestWithLowBits } from './numbers.ts';
import { resolveSnpOptions, type SnpOptions } from './options.ts';
import { type Acceptance, Receiver } from './receiver.ts';
import { RoundTrip } from './round-trip.ts';
import { clampRate, SendRate } from './send-rate.ts';
import { Sender } from './sender.ts';

/** GNS `k_nSteamNetworkingSend_*`; add them up. */
export const SendFlag = {
  Unreliable: 0,
  /** Leave now, with everything queued before. */
  NoNagle: 1,
  /** Unreliable only: drop it if it cannot leave at once. */
  NoDelay: 4,
  Reliable: 8,
} as const;

/** Acks take no more than this of a packet that has data to carry, in bytes. */
const ACK_BYTES_BESIDE_DATA = 64;
/** A NoDelay message is dropped when the queue before it takes longer than this, in ms (GNS: 200). */
const NO_DELAY_MS = 200;
/**
 * GNS ends a connection whose packet numbers jump by 0x4000: nobody runs further ahead of the
 * newest acknowledgement than this without one.
 */
const MAX_AHEAD_PACKETS = 0x3000;
/** While nothing is acknowledged any more, so many packets leave in the time of a repetition. */
const PROBES_PER_RETRY = 8;
/** GNS asks for an ack of this delay, divided by the number of holes the peer reports, in ms. */
const HOLE_ACK_DELAY_MS = 250;

export interface SnpStats {
  readonly pingMs: number;
  readonly pendingReliableBytes: number;
  readonly pendingUnreliableBytes: number;
  readonly sentUnackedReliableBytes: number;
  readonly sendRateBytesPerSecond: number;
  /** Until a message queued now would start to leave, in ms. */
  readonly queueTimeMs: number;
  readonly messagesSentReliable: number;
  readonly messagesSentUnreliable: number;
  readonly messagesReceivedReliable: number;
  readonly messagesReceivedUnreliable: number;
  /** Packets with reliable data that were believed lost. */
  readonly packetsLost: number;
  /** Segments not taken for want of room; their packets were not acknowledged. */
  readonly segmentsRefused: number;
}

// A packet is read or written within one call, so that all conversations share these.
const reader = new FrameReader();
const writer = new FrameWriter();
const acks = new AckBlocks();

/**
 * One end of a conversation in GNS's message layer: messages in and out, over numbered packets
 * that may be lost, doubled or swapped. Knows neither encryption nor datagrams: the owner numbers
 * packets, protects them and moves them. Nothing in it costs more the more messages there are.
 */
export class Snp {
  readonly roundTrip: RoundTrip = new RoundTrip();
  /** Data is sent: true once connected. Before, packets hold acks alone. */
  isOpen = false;
  /** What happened to the packet given to {@link Snp.watch}. */
  watched: 'none' | 'waiting' | 'acked' | 'lost' = 'none';
  /** Did the packet just written hold reliable data, so that the peer will acknowledge it? */
  wroteReliable = false;
  readonly #options: Required<SnpOptions>;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #rate: SendRate;
  /** `undefined` where the rate is fixed. */
  #congestion: CongestionControl | undefined;
  readonly #window = new FlightWindow();
  #watchedNumber = -1;
  /** When an acknowledgement last took something reliable off our hands, or the first was sent. */
  #progressAt: Millis = 0;
  #writtenAt: Millis = 0;
  #next = 0;

  /** @throws NetError `OPTIONS_INVALID` */
  constructor(now: Millis, options?: SnpOptions) {
    this.#options = resolveSnpOptions(options);
    this.#sender = new Sender(this.#options, this.roundTrip);
    this.#receiver = new Receiver(this.#options);
    this.#congestion = congestionOf(this.#options);
    const rate = this.#congestion?.bytesPerSecond ?? this.#options.sendRateMaxBytesPerSecond;
    this.#rate = new SendRate(rate, now);
    this.#sender.windowBytes = this.#window.bytes(rate);
  }

  /** The handshake counts as packet 1 of each side (protocol version 10 and later). */
  start(now: Millis, newestReceived: number): void {
    this.#receiver.gaps.reset(newestReceived + 1, now);
    const { smoothedMs } = this.roundTrip;
    if (smoothedMs < 0) return;
    this.#window.handleRoundTrip(smoothedMs, 0);
    this.#sender.windowBytes = this.#window.bytes(this.#rate.bytesPerSecond);
  }

  set acceptance(value: Acceptance) {
    this.#receiver.acceptance = value;
  }

  /** What changes counts from now on; a new range of rates is searched anew. @throws NetError `OPTIONS_INVALID` */
  configure(options: SnpOptions): void {
    const before = { ...this.#options };
    Object.assign(this.#options, resolveSnpOptions(options));
    const isRateKept =
      before.sendRateMinBytesPerSecond === this.#options.sendRateMinBytesPerSecond &&
      before.sendRateMaxBytesPerSecond === this.#options.sendRateMaxBytesPerSecond &&
      before.congestionControl === this.#options.congestionControl;
    if (isRateKept) return;
    this.#congestion = congestionOf(this.#options);
    this.#rate.bytesPerSecond =
      this.#congestion?.bytesPerSecond ?? this.#options.sendRateMaxBytesPerSecond;
  }

  /** In bytes/s, clamped to GNS's hard limits. */
  set sendRate(bytesPerSecond: number) {
    this.#rate.bytesPerSecond = bytesPerSecond;
  }

  /** Plaintext of a full packet, in bytes. */
  set fullPacketBytes(value: number) {
    this.#sender.fullPacketBytes = value;
  }

  /** @throws NetError `OPTIONS_INVALID` */
  configureLanes(lanes: readonly LaneOptions[]): void {
    this.#sender.configureLanes(lanes);
  }

  /**
   * Queues a copy of `bytes`. Returns the message's number on its lane, 0 when the send buffer is
   * full, or -1 when a NoDelay message was dropped.
   * @throws NetError `OPTIONS_INVALID` for an unknown lane or a message over `maxMessageBytes`
   */
  send(now: Millis, bytes: Uint8Array, flags: number, laneIndex = 0): number {
    const lane = this.#sender.schedule.lane(laneIndex);
    if (lane === undefined) {
      throw new NetError('OPTIONS_INVALID', `lane ${laneIndex} is not configured`);
    }
    if (bytes.length > this.#options.maxMessageBytes) {
      throw new NetError(
        'OPTIONS_INVALID',
        `a message takes ${this.#options.maxMessageBytes} bytes`,
      );
    }
    const isReliable =
      (flags & SendFlag.Reliable) !== 0 || bytes.length > MAX_UNRELIABLE_SEND_BYTES;
    if ((flags & SendFlag.NoDelay) !== 0 && !isReliable && !this.#isPrompt()) return -1;
    this.#accumulate(now);
    const number = this.#sender.queue(lane, bytes, isReliable);
    if (number === 0) return 0;
    if ((flags & SendFlag.NoNagle) !== 0) this.flush();
    else if (this.#sender.nagleAt === Number.POSITIVE_INFINITY) {
      this.#sender.nagleAt = now + this.#options.nagleMs;
    }
    return number;
  }

  /** What is queued leaves as soon as the rate allows. */
  flush(): void {
    if (this.#sender.hasPending) this.#sender.nagleAt = Number.NEGATIVE_INFINITY;
  }

  /** The next message received, or `undefined`. */
  receive(now: Millis): ReceivedMessage | undefined {
    return this.#receiver.receive(now);
  }

  get hasMessages(): boolean {
    return this.#receiver.inboxLength > 0;
  }

  /** Has everything reliable arrived? What a lingering close waits for. */
  get isDelivered(): boolean {
    return this.#sender.isDelivered;
  }

  /** Acknowledge what came not later than `at`. */
  scheduleAck(at: Millis): void {
    this.#receiver.gaps.scheduleAck(at);
  }

  /** Notes in {@link Snp.watched} what becomes of a packet just sent. */
  watch(packetNumber: number): void {
    this.#watchedNumber = packetNumber;
    this.watched = 'waiting';
  }

  /**
   * Takes packet `number`. False when GNS discards it unprocessed (an ack of what was never sent).
   * @throws DecodeError for what ends the connection (GNS: 5002)
   */
  handlePacket(
    now: Millis,
    number: number,
    nextToSend: number,
    plaintext: Uint8Array,
    length: number,
  ): boolean {
    const receiver = this.#receiver;
    reader.reset(plaintext, length);
    receiver.begin(now);
    for (let kind = reader.next(); kind !== FrameKind.End; kind = reader.next()) {
      if (kind === FrameKind.Reliable || kind === FrameKind.Unreliable) {
        if (!receiver.takeSegment()) break;
        if (kind === FrameKind.Reliable) receiver.reliable(reader, plaintext);
        else receiver.unreliable(reader, plaintext);
      } else if (kind === FrameKind.SelectLane) {
        receiver.laneSelected();
      } else if (kind === FrameKind.StopWaiting) {
        this.#handleStopWaiting(number);
      } else if (!this.#handleAck(now, nextToSend)) {
        return false;
      }
    }
    receiver.end(number, this.roundTrip.smoothedMs);
    return true;
  }

  /** Is nothing reliable on its way, sent and not acknowledged or to be repeated? */
  get isSettled(): boolean {
    return this.#sender.isIdle;
  }

  /** When {@link Snp.writePacket} has something to write; Infinity for never. */
  nextSendAt(now: Millis): Millis {
    if (!this.isOpen) return Number.POSITIVE_INFINITY;
    this.#checkTimeouts(now);
    const { gaps } = this.#receiver;
    const wants = Math.min(this.#sender.wantsAt(), gaps.nackAt, this.#sender.retryAt);
    if (wants >= gaps.ackAt) return gaps.ackAt;
    this.#accumulate(now);
    return Math.min(gaps.ackAt, Math.max(wants, now + this.#rate.waitMs, this.#brake(now)));
  }

  #checkTimeouts(now: Millis): void {
    const { packetsLost } = this.#sender;
    this.#sender.checkTimeouts(now);
    if (this.#congestion === undefined) return;
    if (this.#sender.packetsLost > packetsLost) {
      this.#congestion.timedOut(now);
      this.#rate.bytesPerSecond = this.#congestion.bytesPerSecond;
    }
  }

  /** The newest packet that the peer has reported on. */
  get newestAcked(): number {
    return this.#sender.minWaiting;
  }

  /**
   * GNS repeats at full rate into a dead path, or against a receiver that takes no more. Ours then
   * only probes, until something is acknowledged again.
   */
  #brake(now: Millis): Millis {
    const { retryMs } = this.roundTrip;
    const isStuck = !this.#sender.isIdle && now > this.#progressAt + retryMs;
    const isFarAhead = this.#next - this.newestAcked > MAX_AHEAD_PACKETS;
    if (!isStuck && !isFarAhead) return Number.NEGATIVE_INFINITY;
    return this.#writtenAt + retryMs / PROBES_PER_RETRY;
  }

  /**
   * Writes packet `number` into `target[start, end)`; returns the bytes used. Unless `force`, 0 when
   * there is nothing worth a packet. The owner then calls {@link Snp.sent} or {@link Snp.unsent}.
   */
  writePacket(
    now: Millis,
    number: number,
    target: Uint8Array,
    start: number,
    end: number,
    force = false,
  ): number {
    const { gaps } = this.#receiver;
    const mayHoldData = this.isOpen && this.#rate.maySend && this.#sender.hasPending;
    const isAckDue = gaps.ackAt <= now || gaps.nackAt <= now;
    writer.reset(target, start, end);
    writer.stopWaiting(number - this.#sender.minWaiting - 1);
    gaps.write(writer, now, mayHoldData ? ACK_BYTES_BESIDE_DATA : writer.remaining);
    this.#receiver.ackWritten();
    const wasIdle = this.#sender.isIdle;
    const hasData = this.#sender.write(writer, target, number, now, mayHoldData);
    this.wroteReliable = hasData && (this.#sender.inFlight(number)?.segments.length ?? 0) > 0;
    if (!hasData && !isAckDue && !force) {
      this.#sender.unsent(number);
      return 0;
    }
    if (wasIdle) this.#progressAt = now;
    if (hasData) this.#writtenAt = now;
    this.#next = number + 1;
    return writer.at - start;
  }

  /** The packet just written left as a datagram of so many bytes. */
  sent(datagramBytes: number): void {
    this.#rate.spend(datagramBytes);
    this.#congestion?.sent(datagramBytes);
    const packet = this.#sender.inFlight(this.#next - 1);
    if (packet !== undefined) packet.bytes = datagramBytes;
  }

  /** The packet did not leave: its reliable data is sent again, and the sender rests a little. */
  unsent(number: number): void {
    this.#sender.unsent(number);
    this.#rate.backOff(1);
  }

  /** Gives back memory that an idle connection does not need. */
  releaseIdle(): void {
    this.#sender.releaseIdle();
    this.#receiver.releaseIdle();
  }

  /** Of {@link Snp.stats} alone what is queued, reliable or not. */
  get pendingBytes(): number {
    return this.#sender.pendingBytes;
  }

  stats(): SnpStats {
    const sender = this.#sender;
    const pendingReliableBytes = sender.schedule.pendingReliableBytes;
    return {
      pingMs: this.roundTrip.smoothedMs,
      pendingReliableBytes,
      pendingUnreliableBytes: sender.pendingBytes - pendingReliableBytes,
      sentUnackedReliableBytes: sender.unackedBytes,
      sendRateBytesPerSecond: this.#rate.bytesPerSecond,
      queueTimeMs: this.#queueTimeMs(),
      messagesSentReliable: sender.messagesReliable,
      messagesSentUnreliable: sender.messagesUnreliable,
      messagesReceivedReliable: this.#receiver.messagesReliable,
      messagesReceivedUnreliable: this.#receiver.messagesUnreliable,
      packetsLost: sender.packetsLost,
      segmentsRefused: this.#receiver.refusedSegments,
    };
  }

  /** One for each lane that is configured. */
  laneStatuses(): LaneStatus[] {
    const { lanes } = this.#sender.schedule;
    return laneStatuses(lanes, this.#rate.bytesPerSecond, this.#rate.waitMs);
  }

  #isPrompt(): boolean {
    return this.isOpen && this.#queueTimeMs() <= NO_DELAY_MS;
  }

  #queueTimeMs(): number {
    const bytes = this.#sender.pendingBytes;
    return this.#rate.waitMs + (bytes * 1000) / this.#rate.bytesPerSecond;
  }

  #accumulate(now: Millis): void {
    this.#rate.accumulate(now, this.#sender.wantsAt() <= now);
  }

  #handleStopWaiting(number: number): void {
    const min = number - reader.stopWaitingOffset - 1;
    if (min < 0) throw new DecodeError('WIRE_MALFORMED', 'stop waiting', reader.offset);
    if (!this.#receiver.gaps.stopWaiting(min, number)) {
      throw new DecodeError('WIRE_MALFORMED', 'stop waiting reduced', reader.offset);
    }
  }

  /** False when it reports a packet that was never sent. */
  #handleAck(now: Millis, nextToSend: number): boolean {
    const latest = nearestWithLowBits(reader.latest, reader.latestBits, nextToSend);
    if (latest < 0) throw new DecodeError('WIRE_MALFORMED', 'ack', reader.offset);
    if (latest >= nextToSend) return false;
    const newest = this.#sender.inFlight(latest);
    const isMeasured = newest !== undefined && reader.ackDelay !== NO_ACK_DELAY;
    const roundTripMs = isMeasured
      ? now - newest.sentAt - reader.ackDelay * ACK_DELAY_UNIT_MS
      : undefined;
    if (roundTripMs !== undefined && newest !== undefined) {
      this.roundTrip.sample(now, roundTripMs);
      this.#window.handleRoundTrip(roundTripMs, newest.flightBytes);
    }
    if (reader.ackBlocks > 0) this.scheduleAck(now + HOLE_ACK_DELAY_MS / reader.ackBlocks);
    if (!acks.read(reader, latest)) {
      throw new DecodeError('WIRE_MALFORMED', 'ack range', reader.offset);
    }
    const before = this.#sender.unackedBytes;
    this.#settle(now, latest);
    this.#window.acked(before - this.#sender.unackedBytes);
    if (this.#congestion !== undefined && roundTripMs !== undefined) {
      this.#congestion.handleRoundTrip(now, roundTripMs);
      this.#rate.bytesPerSecond = this.#congestion.bytesPerSecond;
    }
    this.#sender.windowBytes = this.#window.bytes(this.#rate.bytesPerSecond);
    if (latest > this.#sender.minWaiting) this.#sender.minWaiting = latest;
    return true;
  }

  #settle(now: Millis, latest: number): void {
    const sender = this.#sender;
    let packet = sender.oldestInFlight;
    while (packet !== undefined && packet.number <= latest) {
      const { newer, number } = packet;
      const isUnknown = number < sender.minWaiting && acks.isImplicit(number);
      if (!isUnknown) {
        const isReceived = acks.isReceived(number);
        if (number === this.#watchedNumber) this.#settleWatched(isReceived);
        if (isReceived && packet.segments.length > 0) this.#progressAt = now;
        if (isReceived) this.#congestion?.acked(packet.bytes);
        else if (!packet.isLost) this.#congestion?.lost();
        if (isReceived) sender.acked(packet);
        else sender.lose(packet);
      }
      packet = newer;
    }
  }

  #settleWatched(isReceived: boolean): void {
    this.watched = isReceived ? 'acked' : 'lost';
    if (isReceived) this.#watchedNumber = -1; // a late ack of a lost one still counts
  }
}

function congestionOf(options: Required<SnpOptions>): CongestionControl | undefined {
  const minBytesPerSecond = clampRate(options.sendRateMinBytesPerSecond);
  const maxBytesPerSecond = clampRate(options.sendRateMaxBytesPerSecond);
  if (!options.congestionControl || minBytesPerSecond >= maxBytesPerSecond) return undefined;
  return new CongestionControl({ minBytesPerSecond, maxBytesPerSecond });
}
