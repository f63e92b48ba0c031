import { type Cancel, NetError, type Scheduler } from '../base/index.ts';
import { MAX_CHANNEL, type WireKind } from '../multiplayer/index.ts';
import { type MessageHeader, PACKET_BYTES } from './link-frames.ts';
import { type LinkLimits, linkLimits } from './link-limits.ts';
import { type ControlFrame, type LinkMessage, LinkReceiver } from './link-receiver.ts';
import { LinkSender } from './link-sender.ts';
import { PingPace } from './ping-pace.ts';
import { RoundTrip } from './round-trip.ts';
import type { Wire, WireHandlers } from './wire.ts';

/** docs/states/link.md; checked by link.test.ts. */
export type LinkState = 'open' | 'closing' | 'closed';

/** Every move that may happen. */
export const linkTransitions: Readonly<Record<LinkState, readonly LinkState[]>> = {
  open: ['closing'],
  closing: ['closed'],
  closed: [],
};

/** Calls come while packets or timers are handled, never from inside `send`. */
export interface LinkHandlers {
  onMessage(message: LinkMessage): void;
  /** The current wire ended; the link lives on until its time-out: attach another one. */
  onWireLost(kind: WireKind, reason: string): void;
  /** The other side closed, or is silent. Once; not after `close`. */
  onEnded(reason: string): void;
  /** Reliable bytes were acknowledged. */
  onDrained(): void;
}

/** A snapshot; names as in {@link PeerStats}. */
export interface LinkStats {
  readonly wire: WireKind | undefined;
  readonly pingMs: number | undefined;
  readonly pendingReliableBytes: number;
  readonly sentMessages: number;
  readonly receivedMessages: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly malformed: number;
}

/**
 * The connection to one remote member, above whatever wire carries it (docs/wire/link.md): bundles
 * the messages of a turn into packets, keeps order per channel, fragments, acknowledges, so that a
 * change of wire loses and doubles nothing; pings; closes with a reason that arrives.
 */
export class Link {
  readonly #scheduler: Scheduler;
  readonly #handlers: LinkHandlers;
  readonly #limits: LinkLimits;
  readonly #sender: LinkSender;
  readonly #receiver: LinkReceiver;
  readonly #roundTrip = new RoundTrip();
  readonly #pace: PingPace;
  #state: LinkState = 'open';
  #wire: Wire | undefined;
  #flushing = false;
  #pong: number | undefined;
  #cancelTick: Cancel;
  #cancelAck: Cancel | undefined;
  #cancelLinger: Cancel | undefined;
  /** When the oldest unacknowledged packet left or something was acknowledged last. */
  #progressAt: number;
  #rewoundAt = Number.NEGATIVE_INFINITY;
  /** Doubles with each repetition that brought no acknowledgement, up to 8 times. */
  #resendDelayMs: number;
  #reason = '';
  #byeSent = false;
  #onReleased: (() => void)[] = [];

  /** `isAsked`: at rest it is the other side that pings, and this one where that does not. */
  constructor(
    scheduler: Scheduler,
    handlers: LinkHandlers,
    limits: Partial<LinkLimits> = {},
    isAsked = false,
  ) {
    this.#scheduler = scheduler;
    this.#handlers = handlers;
    this.#limits = { ...linkLimits, ...limits };
    this.#sender = new LinkSender(this.#limits);
    this.#receiver = new LinkReceiver(this.#limits, {
      onMessage: (message) => {
        if (this.#state === 'open') this.#handlers.onMessage(message);
      },
      onControl: (frame) => this.#handleControl(frame),
    });
    const now = scheduler.now();
    this.#pace = new PingPace(now, this.#limits, isAsked);
    this.#progressAt = now;
    this.#resendDelayMs = this.#limits.resendAfterMs;
    this.#cancelTick = scheduler.after(this.#limits.pingIntervalMs, () => this.#tick());
  }

  get state(): LinkState {
    return this.#state;
  }

  get wire(): Wire | undefined {
    return this.#wire;
  }

  /** Queued or unacknowledged here, or waiting in the wire. */
  get bufferedBytes(): number {
    return this.#sender.queuedBytes + (this.#wire?.bufferedBytes ?? 0);
  }

  /** Whether `send` of so many reliable bytes is within the limit. */
  hasRoom(bytes: number): boolean {
    return this.#sender.reliableBytes + bytes <= this.#limits.reliableBytes;
  }

  /** Below half of the limit: whoever was held back may go on. */
  get isDrained(): boolean {
    return this.#sender.reliableBytes * 2 <= this.#limits.reliableBytes;
  }

  /**
   * What to open a wire with: the events of the wire that `wire()` gives. Packets of a wire that
   * was replaced are still read, since what is a double is dropped.
   */
  handlersFor(wire: () => Wire | undefined): WireHandlers {
    return {
      onPacket: (packet) => this.handlePacket(packet),
      onWritable: () => {
        if (this.#wire && this.#wire === wire()) this.#resume(this.#wire);
      },
      onClosed: (reason) => {
        const closed = wire();
        if (closed) this.detach(closed, reason);
      },
    };
  }

  /** Sends by this wire from now on: first all that the one before may have lost. */
  attach(wire: Wire): void {
    if (wire.maxPacketBytes < PACKET_BYTES) {
      throw new NetError('OPTIONS_INVALID', `a wire must carry packets of ${PACKET_BYTES} bytes`);
    }
    if (this.#state === 'closed') {
      wire.close();
      return;
    }
    this.#wire = wire;
    this.#roundTrip.start(this.#scheduler.now());
    this.#byeSent = false;
    this.#rewind();
    this.#stir();
    this.#ping();
    this.#requestFlush();
  }

  /** The wire is gone; nothing happens if it is not the current one. */
  detach(wire: Wire, reason: string): void {
    if (this.#wire !== wire) return;
    this.#wire = undefined;
    this.#roundTrip.await(this.#scheduler.now());
    this.#stir();
    if (this.#state === 'closing') this.#release();
    else if (this.#state === 'open') this.#handlers.onWireLost(wire.kind, reason);
  }

  /**
   * Queues one message; all of one turn leave together.
   * @throws NetError `PEER_CLOSED`, `PEER_MESSAGE_TOO_LARGE`, `OPTIONS_INVALID`
   */
  send(header: MessageHeader, bytes: Uint8Array): void {
    if (this.#state !== 'open') throw new NetError('PEER_CLOSED', 'this link is closed');
    if (bytes.length > this.#limits.maxMessageBytes) {
      const limit = this.#limits.maxMessageBytes;
      throw new NetError('PEER_MESSAGE_TOO_LARGE', `${bytes.length} bytes, at most ${limit}`);
    }
    const { channel } = header;
    if (!(channel >= 0 && channel <= MAX_CHANNEL && Number.isInteger(channel))) {
      throw new NetError('OPTIONS_INVALID', `channel is 0 to ${MAX_CHANNEL}, not ${channel}`);
    }
    if (!this.#sender.awaitsAck) this.#progressAt = this.#scheduler.now();
    this.#sender.write(header, bytes, this.#wire);
    if (this.#pace.isResting) {
      this.#stir();
      this.#ping();
    }
    this.#requestFlush();
  }

  handlePacket(packet: Uint8Array): void {
    if (this.#state === 'closed') return;
    const before = this.#receiver.unacknowledged;
    this.#roundTrip.heard(this.#scheduler.now());
    this.#receiver.handlePacket(packet);
    if (this.#receiver.unacknowledged > before) this.#requestAck();
    if (this.#pace.isStirredBy(this.#messages)) this.#stir();
  }

  /** Accept no reliable packet until `resumeReceiving`: the sender keeps them. Others still arrive. */
  pauseReceiving(): void {
    this.#receiver.paused = true;
  }

  resumeReceiving(): void {
    if (!this.#receiver.paused) return;
    this.#receiver.paused = false;
    if (this.#receiver.missedWhilePaused) this.#requestFlush();
  }

  /** Tells the other side the reason after all that was sent; idempotent. `onReleased` is called when all is let go. */
  close(reason: string, onReleased: () => void = () => {}): void {
    if (this.#state === 'closed') {
      onReleased();
      return;
    }
    this.#onReleased.push(onReleased);
    if (this.#state === 'closing') return;
    this.#state = 'closing';
    this.#reason = reason;
    this.#cancelLinger = this.#scheduler.after(this.#limits.lingerMs, () => {
      if (this.#wire && !this.#byeSent) this.#sendBye(this.#wire);
      this.#release();
    });
    if (this.#wire) this.#requestFlush();
    else this.#release();
  }

  stats(): LinkStats {
    return {
      wire: this.#wire?.kind,
      pingMs: this.#roundTrip.pingMs,
      pendingReliableBytes: this.#sender.reliableBytes,
      sentMessages: this.#sender.messages,
      receivedMessages: this.#receiver.messages,
      sentBytes: this.#sender.bytes,
      receivedBytes: this.#receiver.bytes,
      malformed: this.#receiver.malformed,
    };
  }

  #handleControl(frame: ControlFrame): void {
    switch (frame.type) {
      case 'ack':
        this.#handleAck(frame.next, frame.resend);
        break;
      case 'ping':
        this.#pong = frame.token; // one answer a turn, however many pings came
        this.#requestFlush();
        break;
      case 'pong':
        this.#roundTrip.handlePong(this.#scheduler.now(), frame.token);
        break;
      case 'bye':
        this.#handleBye(frame.reason);
        break;
      case 'byeAck':
        if (this.#state === 'closing') this.#release();
        break;
    }
  }

  #handleAck(next: number, resend: boolean): void {
    const before = this.#sender.reliableBytes;
    if (!this.#sender.acknowledge(next)) {
      this.#receiver.malformed++;
      return;
    }
    const now = this.#scheduler.now();
    if (this.#sender.reliableBytes < before) {
      this.#progressAt = now;
      this.#resendDelayMs = this.#limits.resendAfterMs;
      if (this.#state === 'open') this.#handlers.onDrained();
    }
    // Ten bytes that ask for megabytes: heeded at a bounded rate, the timer does the rest.
    if (resend && now - this.#rewoundAt >= this.#limits.resendSpacingMs) this.#rewind();
  }

  #rewind(): void {
    const now = this.#scheduler.now();
    this.#rewoundAt = now;
    this.#progressAt = now;
    this.#sender.rewind();
    this.#requestFlush();
  }

  #handleBye(reason: string): void {
    if (this.#wire) this.#sender.sendControl(this.#wire, (packet) => packet.byeAck());
    const wasOpen = this.#state === 'open';
    if (wasOpen) this.#state = 'closing';
    if (wasOpen) this.#handlers.onEnded(reason);
    // Not now: the wire is handing us a packet, and the acknowledgement has to leave.
    this.#scheduler.soon(() => this.#release());
  }

  #requestFlush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#scheduler.soon(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#state === 'closed') return;
    this.#writeAck();
    if (this.#pong !== undefined) {
      const token = this.#pong;
      this.#sender.control((packet) => packet.pong(token));
      this.#pong = undefined;
    }
    if (!this.#wire) return;
    this.#sender.flush(this.#wire);
    this.#sendPendingBye();
  };

  #resume(wire: Wire): void {
    if (this.#state === 'closed') return;
    this.#sender.resume(wire);
    this.#sendPendingBye();
  }

  #sendPendingBye(): void {
    if (this.#state !== 'closing' || this.#byeSent || !this.#wire) return;
    if (!this.#sender.hasUnsentReliable) this.#sendBye(this.#wire);
  }

  #sendBye(wire: Wire): void {
    this.#byeSent = this.#sender.sendControl(wire, (packet) => packet.bye(this.#reason));
  }

  #writeAck(): void {
    this.#cancelAck?.();
    this.#cancelAck = undefined;
    const resend = this.#receiver.missedWhilePaused && !this.#receiver.paused;
    if (this.#receiver.unacknowledged === 0 && !resend) return;
    if (resend) this.#receiver.missedWhilePaused = false;
    this.#receiver.acknowledged();
    this.#sender.control((packet) => packet.ack(this.#receiver.nextReliable, resend));
  }

  #requestAck(): void {
    if (this.#receiver.unacknowledged >= this.#limits.ackPackets) this.#requestFlush();
    else this.#cancelAck ??= this.#scheduler.after(this.#limits.ackDelayMs, this.#flush);
  }

  #tick(): void {
    if (this.#state !== 'open') return;
    const now = this.#scheduler.now();
    if (this.#roundTrip.isSilent(now, this.#limits, this.#wire !== undefined)) {
      this.#end(`no answer for ${this.#limits.timeoutMs / 1000} s`);
      return;
    }
    if (this.#sender.awaitsAck && now - this.#progressAt >= this.#resendDelayMs) {
      this.#resendDelayMs = Math.min(this.#resendDelayMs * 2, this.#limits.resendAfterMs * 8);
      this.#rewind();
    }
    const hasNews = this.#wire !== undefined && !this.#roundTrip.isAwaited;
    const waitMs = this.#pace.waitMs(now, {
      messages: this.#messages,
      awaitsAck: this.#sender.awaitsAck,
      heardAt: hasNews ? this.#roundTrip.heardAt : undefined,
    });
    if (waitMs === 0) this.#ping();
    this.#wakeAfter(Math.max(waitMs, this.#limits.pingIntervalMs));
  }

  #wakeAfter(delayMs: number): void {
    this.#cancelTick();
    this.#cancelTick = this.#scheduler.after(delayMs, () => this.#tick());
  }

  /** What a link at rest does not know is asked soon again. */
  #stir(): void {
    const wasResting = this.#pace.stir(this.#scheduler.now());
    if (wasResting && this.#state === 'open') this.#wakeAfter(this.#limits.pingIntervalMs);
  }

  get #messages(): number {
    return this.#sender.messages + this.#receiver.messages;
  }

  /** Each ping repeats the acknowledgement, in case the last one was lost. */
  #ping(): void {
    if (!this.#wire || this.#state !== 'open') return;
    const token = this.#roundTrip.startPing(this.#scheduler.now());
    this.#sender.control((packet) => {
      packet.ack(this.#receiver.nextReliable, false);
      packet.ping(token);
    });
    this.#receiver.acknowledged();
    this.#requestFlush();
  }

  #end(reason: string): void {
    this.#reason = reason;
    if (this.#wire) this.#sendBye(this.#wire);
    this.#state = 'closing';
    this.#handlers.onEnded(reason);
    this.#release();
  }

  #release(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelTick();
    this.#cancelAck?.();
    this.#cancelLinger?.();
    this.#sender.clear();
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.close();
    for (const onReleased of this.#onReleased.splice(0)) onReleased();
  }
}
