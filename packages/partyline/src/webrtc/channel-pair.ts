import type { Cancel, Millis, Scheduler } from '../base/index.ts';
import { webRtcLimits } from './limits.ts';
import type { DataChannelLike, PeerConnectionLike } from './peer-connection.ts';

export interface ChannelPairHandlers {
  /** Both data channels are open. Once. */
  onOpen(): void;
  /** The bytes are valid during the call only. */
  onMessage(bytes: Uint8Array, reliable: boolean): void;
  onWritable(): void;
  /** The other side closed a data channel. */
  onClosed(): void;
  /** A data channel takes no bytes any more although the path is alive. */
  onStalled(): void;
}

export const RELIABLE_CHANNEL_ID = 0;
export const UNRELIABLE_CHANNEL_ID = 1;
/** Most bytes waiting in a data channel; more only adds delay (docs/adr/0027). */
export const MAX_BUFFERED_BYTES: { readonly reliable: number; readonly unreliable: number } =
  Object.freeze({ reliable: 64 * 1024, unreliable: 32 * 1024 });
/**
 * Messages are given up after this many milliseconds. `maxRetransmits: 0` would be the natural
 * choice, but under real loss it stops Chromium → libdatachannel for good (docs/adr/0027).
 */
const UNRELIABLE_LIFETIME_MS = 100;
const STALL_CHECK_MS = 250;
/** Nothing left the buffer for so long while packets still arrived: the data channel is stuck. */
const STALLED_MS = 1000;
/** The same without any arrival: the path may be down, which ICE notices by itself first. */
const STALLED_SILENT_MS = 8000;

/** One reliable ordered and one unreliable data channel, agreed on beforehand by their ids. */
export class ChannelPair {
  readonly #scheduler: Scheduler;
  readonly #handlers: ChannelPairHandlers;
  readonly #reliable: Lane;
  readonly #unreliable: Lane;
  #lastArrivalAt: Millis = 0;
  #cancelStallCheck: Cancel | undefined;
  #isOpen = false;
  #isClosed = false;

  constructor(connection: PeerConnectionLike, scheduler: Scheduler, handlers: ChannelPairHandlers) {
    this.#scheduler = scheduler;
    this.#handlers = handlers;
    const reliable = connection.createDataChannel('partyline-reliable', {
      negotiated: true,
      id: RELIABLE_CHANNEL_ID,
      ordered: true,
    });
    const unreliable = connection.createDataChannel('partyline-unreliable', {
      negotiated: true,
      id: UNRELIABLE_CHANNEL_ID,
      ordered: false,
      maxPacketLifeTime: UNRELIABLE_LIFETIME_MS,
    });
    this.#reliable = new Lane(reliable, MAX_BUFFERED_BYTES.reliable);
    this.#unreliable = new Lane(unreliable, MAX_BUFFERED_BYTES.unreliable);
    this.#listen(reliable, true);
    this.#listen(unreliable, false);
  }

  get bufferedBytes(): number {
    return this.#reliable.channel.bufferedAmount + this.#unreliable.channel.bufferedAmount;
  }

  /** False when the data channel is full or not open; nothing was taken then. */
  send(bytes: Uint8Array, reliable: boolean): boolean {
    if (this.#isClosed || bytes.length > webRtcLimits.maxPacketBytes) return false;
    const taken = (reliable ? this.#reliable : this.#unreliable).send(bytes);
    if (taken) this.#cancelStallCheck ??= this.#scheduler.after(STALL_CHECK_MS, this.#checkStall);
    return taken;
  }

  /** Nothing is sent or reported any more; the connection closes the data channels. */
  close(): void {
    this.#isClosed = true;
    this.#cancelStallCheck?.();
  }

  #listen(channel: DataChannelLike, reliable: boolean): void {
    channel.addEventListener('open', () => this.#opened());
    channel.addEventListener('close', () => {
      if (!this.#isClosed) this.#handlers.onClosed();
    });
    channel.addEventListener('bufferedamountlow', () => {
      if (!this.#isClosed) this.#handlers.onWritable();
    });
    channel.addEventListener('message', ({ data }) => {
      if (this.#isClosed) return;
      this.#lastArrivalAt = this.#scheduler.now();
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
      if (bytes instanceof Uint8Array) this.#handlers.onMessage(bytes, reliable);
    });
  }

  #opened(): void {
    if (this.#isOpen || this.#isClosed) return;
    const lanes = [this.#reliable, this.#unreliable];
    if (lanes.some(({ channel }) => channel.readyState !== 'open')) return;
    this.#isOpen = true;
    this.#handlers.onOpen();
  }

  /** Looks on while bytes are waiting, and stops with the last of them. */
  readonly #checkStall = (): void => {
    const now = this.#scheduler.now();
    const isSilent = now - this.#lastArrivalAt >= STALLED_MS;
    const limitMs = isSilent ? STALLED_SILENT_MS : STALLED_MS;
    const unmovedMs = [this.#reliable, this.#unreliable].map((lane) => lane.unmovedMs(now) ?? -1);
    const worstMs = Math.max(...unmovedMs);
    this.#cancelStallCheck =
      worstMs >= 0 && worstMs < limitMs
        ? this.#scheduler.after(STALL_CHECK_MS, this.#checkStall)
        : undefined;
    if (worstMs >= limitMs) this.#handlers.onStalled();
  };
}

/** One data channel, and how long it has not moved a byte. */
class Lane {
  readonly channel: DataChannelLike;
  readonly limitBytes: number;
  #acceptedBytes = 0;
  #movedBytes = 0;
  #movedAt: Millis = 0;

  constructor(channel: DataChannelLike, limitBytes: number) {
    this.channel = channel;
    this.limitBytes = limitBytes;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = limitBytes / 2;
  }

  /** False when it is full or not open; nothing was taken then. */
  send(bytes: Uint8Array): boolean {
    if (this.channel.readyState !== 'open') return false;
    if (this.channel.bufferedAmount + bytes.length > this.limitBytes) return false;
    try {
      // Packets come from our own ByteWriter, never from shared memory.
      this.channel.send(bytes as Uint8Array<ArrayBuffer>);
    } catch {
      return false; // it closed between the check and the call: `close` follows
    }
    this.#acceptedBytes += bytes.length;
    return true;
  }

  /**
   * Milliseconds since bytes last left the buffer; `undefined` when none wait. The amount waiting
   * alone would not tell: a sender that keeps it full looks the same as one that is stuck.
   */
  unmovedMs(now: Millis): number | undefined {
    const waiting = this.channel.bufferedAmount;
    const moved = this.#acceptedBytes - waiting;
    if (moved !== this.#movedBytes || waiting === 0) {
      this.#movedBytes = moved;
      this.#movedAt = now;
    }
    return waiting === 0 ? undefined : now - this.#movedAt;
  }
}
