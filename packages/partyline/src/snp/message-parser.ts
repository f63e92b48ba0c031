import { DecodeError, type Millis } from '../base/index.ts';
import type { Inbox } from './inbox.ts';
import { MAX_MESSAGE_NUMBER_LEAD, MAX_MESSAGE_NUMBER_STEP } from './limits.ts';
import type { SnpOptions } from './options.ts';

/** Bytes reserved at once for a message of which little has come: a header alone costs no memory. */
const FIRST_BODY_BYTES = 16 * 1024;
const MAX_VARINT_BYTES = 8;
const EMPTY = new Uint8Array(0);

/** What the parser must know of its lane. */
export interface LaneNumbers {
  /** Highest message number seen, reliable or not. */
  highest: number;
}

type Stage = 'head' | 'step' | 'size' | 'body' | 'held';

/**
 * Cuts a lane's reliable stream into messages: docs/wire/snp.md#reliable-stream. Takes the stream
 * in order, in pieces of any size, and never looks at a byte twice. A finished message that the
 * inbox has no room for is held, and the stream stops until {@link MessageParser.deliver} succeeds.
 */
export class MessageParser {
  readonly #lane: number;
  readonly #inbox: Inbox;
  readonly #numbers: LaneNumbers;
  readonly #options: Pick<Required<SnpOptions>, 'maxMessageBytes'>;
  #stage: Stage = 'head';
  #head = 0;
  #varint = 0;
  #varintBytes = 0;
  #size = 0;
  #number = 0;
  #body: Uint8Array = EMPTY;
  #filled = 0;

  constructor(
    lane: number,
    inbox: Inbox,
    numbers: LaneNumbers,
    options: Pick<Required<SnpOptions>, 'maxMessageBytes'>,
  ) {
    this.#lane = lane;
    this.#inbox = inbox;
    this.#numbers = numbers;
    this.#options = options;
  }

  /** Memory held for an unfinished message, in bytes. */
  get heldBytes(): number {
    return this.#body.length;
  }

  get isHolding(): boolean {
    return this.#stage === 'held';
  }

  /**
   * Takes `bytes[start, end)`; returns how many of them it took, fewer only when a message is held.
   * @throws DecodeError for what GNS closes the connection for.
   */
  feed(now: Millis, bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#stage !== 'held') {
      if (this.#stage !== 'body') {
        if (!this.#header(bytes[at++] ?? 0)) continue;
        if (this.#size <= end - at && this.#inbox.hasRoom(this.#size)) {
          this.#pass(now, bytes.slice(at, at + this.#size)); // whole in this piece: one copy
          at += this.#size;
          continue;
        }
      }
      const length = Math.min(end - at, this.#size - this.#filled);
      this.#fill(bytes, at, length);
      at += length;
      if (this.#filled === this.#size) {
        this.#stage = 'held';
        this.deliver(now);
      }
    }
    return at - start;
  }

  /** Passes on a held message if there is room now. False while one is still held. */
  deliver(now: Millis): boolean {
    if (this.#stage !== 'held') return true;
    if (!this.#inbox.hasRoom(this.#size)) return false;
    const whole = this.#body;
    const body = whole.length === this.#size ? whole : whole.slice(0, this.#size);
    this.#body = EMPTY;
    this.#pass(now, body);
    return true;
  }

  #pass(receivedAt: Millis, bytes: Uint8Array): void {
    this.#stage = 'head';
    this.#filled = 0;
    this.#inbox.push({
      bytes,
      lane: this.#lane,
      number: this.#number,
      isReliable: true,
      receivedAt,
    });
  }

  /** True when this byte ended the header. */
  #header(byte: number): boolean {
    if (this.#stage === 'head') {
      if ((byte & 0x80) !== 0) this.#fail('reliable message header');
      this.#head = byte;
      this.#beginVarint();
      if ((byte & 0x40) === 0) this.#stepNumber(1);
      else this.#stage = 'step';
    } else {
      this.#varint += (byte & 0x7f) * 2 ** (7 * this.#varintBytes);
      this.#varintBytes += 1;
      if (byte >= 0x80) {
        if (this.#varintBytes === MAX_VARINT_BYTES) this.#fail('reliable message varint');
        return false;
      }
      const value = this.#varint;
      this.#beginVarint();
      if (this.#stage === 'step') this.#stepNumber(value);
      else this.#setSize(value * 32 + (this.#head & 0x1f));
    }
    return this.#stage === 'body';
  }

  #beginVarint(): void {
    this.#varint = 0;
    this.#varintBytes = 0;
  }

  #stepNumber(step: number): void {
    this.#number += step;
    const lead = this.#number - this.#numbers.highest;
    if (step > MAX_MESSAGE_NUMBER_STEP || (step !== 1 && lead > MAX_MESSAGE_NUMBER_LEAD)) {
      this.#fail('reliable message number lurch');
    }
    if (lead > 0) this.#numbers.highest = this.#number;
    if ((this.#head & 0x20) !== 0) this.#stage = 'size';
    else this.#setSize(this.#head & 0x1f);
  }

  #setSize(size: number): void {
    if (size > this.#options.maxMessageBytes) this.#fail('reliable message size');
    this.#size = size;
    this.#filled = 0;
    this.#stage = 'body';
  }

  #fill(bytes: Uint8Array, at: number, length: number): void {
    const needed = this.#filled + length;
    if (needed > this.#body.length) {
      const wanted = Math.max(needed, FIRST_BODY_BYTES, this.#body.length * 2);
      const grown = new Uint8Array(Math.min(this.#size, wanted));
      grown.set(this.#body.subarray(0, this.#filled));
      this.#body = grown;
    }
    this.#body.set(bytes.subarray(at, at + length), this.#filled);
    this.#filled = needed;
  }

  #fail(what: string): never {
    throw new DecodeError('WIRE_MALFORMED', what, 0);
  }
}
