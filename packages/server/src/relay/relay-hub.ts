import { limits } from '@partyline/protocol';
import { FRAME_HEADER_BYTES, FRAME_VERSION, FrameType } from 'partyline/protocol/signaling';
import type { WebSocket } from 'ws';
import type { Clock, Outbox } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { Seat, SeatTable } from '../lobby/index.ts';
import { RelaySocket } from './relay-socket.ts';

/** What became of the frames; nothing but counts, and no error to anybody. */
export interface RelayStats {
  forwarded: number;
  forwardedBytes: number;
  malformed: number;
  oversized: number;
  /** To nobody, to itself, or to another lobby's member. */
  stranger: number;
  /** To a member without a relay socket. */
  absent: number;
  rateLimited: number;
  receiverFull: number;
  slowReceiversClosed: number;
  /** Of a socket that was told to go and still sends. */
  dismissed: number;
}

export const RELAY_CLOSE = { replaced: 4001, left: 4002, tooSlow: 4003, flooding: 4004 } as const;

/**
 * Forwards frames between the members of a lobby, each on a WebSocket of its own. Unreliable frames
 * are dropped when a rate or a queue is over its limit; reliable ones make their sender wait, and a
 * receiver that makes others wait too long is closed. docs/wire/frames.md
 */
export class RelayHub {
  readonly stats: RelayStats = {
    forwarded: 0,
    forwardedBytes: 0,
    malformed: 0,
    oversized: 0,
    stranger: 0,
    absent: 0,
    rateLimited: 0,
    receiverFull: 0,
    slowReceiversClosed: 0,
    dismissed: 0,
  };
  readonly #config: Pick<Config, 'limits' | 'rateLimits'>;
  readonly #clock: Clock;
  readonly #seats: SeatTable;
  readonly #sockets = new Map<Seat, RelaySocket>();

  constructor(config: Pick<Config, 'limits' | 'rateLimits'>, clock: Clock, seats: SeatTable) {
    this.#config = config;
    this.#clock = clock;
    this.#seats = seats;
  }

  /** Sockets open now. */
  get size(): number {
    return this.#sockets.size;
  }

  /** The member's one relay socket from now on; an older one is closed. */
  attach(seat: Seat, ws: WebSocket, outbox: Outbox): void {
    const { rateLimits } = this.#config;
    const before = this.#sockets.get(seat);
    const socket = new RelaySocket(seat, ws, outbox, rateLimits, this.#clock.nowMs());
    this.#sockets.set(seat, socket);
    if (before) this.#dismiss(before, RELAY_CLOSE.replaced, 'another relay socket took over');
    // ws gives text frames as bytes too; ours are binary, and the version byte tells.
    ws.on('message', (frame: Buffer) => this.#receive(socket, frame));
    ws.on('close', () => this.#forget(socket));
  }

  /** The member left, or its session is gone. */
  detach(seat: Seat): void {
    const socket = this.#sockets.get(seat);
    if (socket) this.#dismiss(socket, RELAY_CLOSE.left, 'the seat is not yours any more');
  }

  /** Its socket may take long to close; nobody waits for that. */
  #dismiss(socket: RelaySocket, code: number, reason: string): void {
    socket.close(code, reason);
    this.#forget(socket);
  }

  #forget(socket: RelaySocket): void {
    if (this.#sockets.get(socket.seat) === socket) this.#sockets.delete(socket.seat);
    this.#wake(socket);
  }

  #receive(from: RelaySocket, frame: Uint8Array): void {
    // Who was told to go may go on sending until its socket is closed: it speaks for nobody any more.
    if (this.#sockets.get(from.seat) !== from) {
      this.stats.dismissed++;
      return;
    }
    const type = frame[1];
    const isRelayed = type === FrameType.RelayUnreliable || type === FrameType.RelayReliable;
    if (frame.length < FRAME_HEADER_BYTES || frame[0] !== FRAME_VERSION || !isRelayed) {
      this.stats.malformed++;
    } else if (frame.length - FRAME_HEADER_BYTES > limits.relayPacketBytes) {
      this.stats.oversized++;
    } else if (type === FrameType.RelayUnreliable) {
      this.#forwardUnreliable(from, frame);
    } else if (from.isWaiting || !this.#forwardReliable(from, frame)) {
      if (!from.hold(frame)) {
        this.#dismiss(from, RELAY_CLOSE.flooding, 'too much was sent while waiting');
      }
    }
  }

  #forwardUnreliable(from: RelaySocket, frame: Uint8Array): void {
    if (from.spend(frame.length, this.#clock.nowMs()) > 0) {
      this.stats.rateLimited++;
      return;
    }
    const to = this.#receiver(from, frame);
    if (!to) return;
    if (this.#isFull(to)) this.stats.receiverFull++;
    else this.#pass(from, to, frame);
  }

  /** False when it has to wait; somebody will call {@link RelayHub.#release} then. */
  #forwardReliable(from: RelaySocket, frame: Uint8Array): boolean {
    const to = this.#receiver(from, frame);
    if (!to) return true; // dropped and counted: the link notices that its other end is gone
    if (this.#isFull(to)) {
      this.#waitFor(to, from);
      return false;
    }
    const waitMs = from.spend(frame.length, this.#clock.nowMs());
    if (waitMs > 0) {
      this.#clock.after(waitMs, () => this.#release(from));
      return false;
    }
    this.#pass(from, to, frame);
    return true;
  }

  #receiver(from: RelaySocket, frame: Uint8Array): RelaySocket | undefined {
    const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
    const seat = this.#seats.find(from.seat.session.app, view.getUint32(2));
    if (!seat || seat === from.seat || seat.lobby !== from.seat.lobby) {
      this.stats.stranger++;
      return undefined;
    }
    const to = this.#sockets.get(seat);
    if (!to) this.stats.absent++;
    return to;
  }

  #pass(from: RelaySocket, to: RelaySocket, frame: Uint8Array): void {
    // The frame is ours: the receiver's id in it becomes the sender's, without a copy.
    new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES).setUint32(2, from.seat.member);
    to.outbox.send(frame, true);
    this.stats.forwarded++;
    this.stats.forwardedBytes += frame.length;
  }

  #isFull(to: RelaySocket): boolean {
    return to.outbox.bufferedBytes > this.#config.limits.relayBufferBytes;
  }

  #waitFor(to: RelaySocket, from: RelaySocket): void {
    const isFirst = to.waiters.size === 0;
    to.waiters.add(from);
    if (!isFirst) return;
    to.cancelStall = this.#clock.after(this.#config.limits.relayStallMs, () => {
      this.stats.slowReceiversClosed++;
      this.#dismiss(to, RELAY_CLOSE.tooSlow, 'others had to wait for you');
    });
    to.outbox.onceDrained(() => this.#wake(to));
  }

  /** Nobody waits for this receiver any more: it has drained, or it is gone. */
  #wake(to: RelaySocket): void {
    to.cancelStall();
    const waiters = [...to.waiters];
    to.waiters.clear();
    for (const from of waiters) this.#release(from);
  }

  #release(from: RelaySocket): void {
    if (this.#sockets.get(from.seat) !== from) return;
    from.release((frame) => this.#forwardReliable(from, frame));
  }
}
