import { ByteRing } from './byte-ring.ts';
import { Deque } from './deque.ts';
import { LostSegments, type Segment, type SegmentPool, SegmentQueue } from './segments.ts';

/**
 * What a lane has queued, in sending order: a run of reliable stream bytes, however many messages
 * they hold, or one unreliable message.
 */
interface Queued {
  isReliable: boolean;
  /** Reliable: where the run ends in the stream. Unreliable: where the message ends in its ring. */
  end: number;
  /** Unreliable: the message's number and how much of it was sent. */
  number: number;
  sentBytes: number;
}

/** A reliable message's header at its largest: lead, message number step, size. */
const MAX_MESSAGE_HEADER_BYTES = 16;

/**
 * One lane of the sender. Messages are copied into two rings when they are queued, reliable ones
 * with their headers as the peer will read them, so a message costs no object and no later copy.
 */
export class SendLane {
  readonly index: number;
  weight = 1;
  priority = 0;
  /** Start-time fair queueing: bytes sent divided by the lane's share. */
  virtualTime = 0;
  pendingReliableBytes = 0;
  pendingUnreliableBytes = 0;
  unackedBytes = 0;
  /** Reliable bytes of `pendingReliableBytes` that wait to be repeated. */
  lostBytes = 0;
  readonly segments: SegmentQueue;
  readonly lost: LostSegments = new LostSegments();

  readonly #queue = new Deque<Queued>();
  readonly #spare: Queued[] = [];
  readonly #stream = new ByteRing();
  readonly #unreliable = new ByteRing();
  readonly #header = new Uint8Array(MAX_MESSAGE_HEADER_BYTES);
  #messageNumber = 0;
  #reliableNumber = 0;
  /** The reliable stream: acknowledged up to, sent up to, queued up to. */
  #ackedTo = 1;
  #sentTo = 1;
  #queuedTo = 1;
  #unreliableFrom = 0;
  #unreliableTo = 0;

  constructor(index: number, pool: SegmentPool) {
    this.index = index;
    this.segments = new SegmentQueue(pool);
  }

  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  /** The next thing to send for the first time. */
  get isNextReliable(): boolean {
    return this.#queue.first()?.isReliable ?? false;
  }

  get sentTo(): number {
    return this.#sentTo;
  }

  /** Stream bytes between the oldest not acknowledged and the newest sent. */
  get spanBytes(): number {
    return this.#sentTo - this.#ackedTo;
  }

  /** Bytes of the reliable run that is next. */
  get runBytes(): number {
    return (this.#queue.first()?.end ?? this.#sentTo) - this.#sentTo;
  }

  get nextMessageNumber(): number {
    return this.#queue.first()?.number ?? 0;
  }

  /** How much of the next unreliable message was sent, and how much was not. */
  get messageOffset(): number {
    return this.#queue.first()?.sentBytes ?? 0;
  }

  get messageBytesLeft(): number {
    return (this.#queue.first()?.end ?? this.#unreliableFrom) - this.#unreliableFrom;
  }

  /** Copies the message; returns its number. */
  queueReliable(bytes: Uint8Array): number {
    this.#messageNumber += 1;
    const headerBytes = this.#writeHeader(this.#messageNumber - this.#reliableNumber, bytes.length);
    this.#reliableNumber = this.#messageNumber;
    const from = this.#queuedTo;
    const to = from + headerBytes + bytes.length;
    this.#stream.reserve(this.#ackedTo, from, to);
    this.#stream.write(from, this.#header, 0, headerBytes);
    this.#stream.write(from + headerBytes, bytes, 0, bytes.length);
    this.#queuedTo = to;
    this.pendingReliableBytes += to - from;
    const last = this.#queue.last();
    if (last?.isReliable) last.end = to;
    else this.#enqueue(true, to, 0);
    return this.#messageNumber;
  }

  /** Copies the message; returns its number. */
  queueUnreliable(bytes: Uint8Array): number {
    this.#messageNumber += 1;
    const from = this.#unreliableTo;
    const to = from + bytes.length;
    this.#unreliable.reserve(this.#unreliableFrom, from, to);
    this.#unreliable.write(from, bytes, 0, bytes.length);
    this.#unreliableTo = to;
    this.pendingUnreliableBytes += bytes.length;
    this.#enqueue(false, to, this.#messageNumber);
    return this.#messageNumber;
  }

  /** Puts the next `length` bytes of the reliable run into `target`. */
  takeReliable(length: number, target: Uint8Array, at: number): void {
    this.#stream.read(this.#sentTo, length, target, at);
    this.#sentTo += length;
    this.pendingReliableBytes -= length;
    this.unackedBytes += length;
    if (this.#sentTo === this.#queue.first()?.end) this.#dequeue();
  }

  /** Puts a segment that is repeated into `target`. */
  readSegment(segment: Segment, target: Uint8Array, at: number): void {
    this.#stream.read(segment.begin, segment.length, target, at);
  }

  /** Puts the next `length` bytes of the unreliable message into `target`. */
  takeUnreliable(length: number, target: Uint8Array, at: number): void {
    const message = this.#queue.first();
    if (message === undefined) return;
    this.#unreliable.read(this.#unreliableFrom, length, target, at);
    this.#unreliableFrom += length;
    message.sentBytes += length;
    this.pendingUnreliableBytes -= length;
    if (this.#unreliableFrom === message.end) this.#dequeue();
  }

  /** Some segment was acknowledged: gives back the stream before the oldest that was not. */
  trim(): void {
    this.#ackedTo = this.segments.trim(this.#sentTo);
  }

  /** Gives back the rings' memory if nothing lies in them. */
  releaseIdle(): void {
    if (this.#ackedTo === this.#queuedTo) this.#stream.release();
    if (this.#unreliableFrom === this.#unreliableTo) this.#unreliable.release();
  }

  /** docs/wire/snp.md#reliable-stream */
  #writeHeader(step: number, size: number): number {
    const header = this.#header;
    let lead = size & 0x1f;
    let at = 1;
    if (step > 1) {
      lead |= 0x40;
      at = putVarint(header, at, step);
    }
    if (size >= 0x20) {
      lead |= 0x20;
      at = putVarint(header, at, size >>> 5);
    }
    header[0] = lead;
    return at;
  }

  #enqueue(isReliable: boolean, end: number, number: number): void {
    const entry = this.#spare.pop() ?? { isReliable, end, number, sentBytes: 0 };
    entry.isReliable = isReliable;
    entry.end = end;
    entry.number = number;
    entry.sentBytes = 0;
    this.#queue.push(entry);
  }

  #dequeue(): void {
    const entry = this.#queue.shift();
    if (entry !== undefined) this.#spare.push(entry);
  }
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    bytes[next++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[next++] = rest;
  return next;
}
