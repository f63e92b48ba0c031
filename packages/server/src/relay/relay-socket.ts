import type { WebSocket } from 'ws';
import { type Cancel, type Outbox, type Rate, TokenBucket } from '../base/index.ts';
import type { Seat } from '../lobby/index.ts';

/** Frames read before the sender could be stopped: what one read of a socket can bring, and then some. */
const MAX_BACKLOG_BYTES = 1_048_576;

/** The relay wire of one member: what it sends is counted, what it cannot take stops its senders. */
export class RelaySocket {
  readonly seat: Seat;
  readonly outbox: Outbox;
  /** Senders that wait until this receiver has drained. */
  readonly waiters: Set<RelaySocket> = new Set();
  /** Ends the time in which this receiver has to drain; set while somebody waits. */
  cancelStall: Cancel = () => {};
  readonly #ws: WebSocket;
  readonly #packets: TokenBucket;
  readonly #bytes: TokenBucket;
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;

  constructor(
    seat: Seat,
    ws: WebSocket,
    outbox: Outbox,
    rates: { readonly relayPackets: Rate; readonly relayBytes: Rate },
    nowMs: number,
  ) {
    this.seat = seat;
    this.outbox = outbox;
    this.#ws = ws;
    this.#packets = new TokenBucket(rates.relayPackets, nowMs);
    this.#bytes = new TokenBucket(rates.relayBytes, nowMs);
  }

  get isWaiting(): boolean {
    return this.#backlog.length > 0;
  }

  /** How long until a frame of this size may pass; 0 counts it as passed. */
  spend(bytes: number, nowMs: number): number {
    const waitMs = Math.max(this.#packets.waitMs(nowMs), this.#bytes.waitMs(nowMs, bytes));
    if (waitMs > 0) return waitMs;
    this.#packets.take(nowMs);
    this.#bytes.take(nowMs, bytes);
    return 0;
  }

  /** Keeps a reliable frame that cannot pass yet, and stops reading. False when that is too many. */
  hold(frame: Uint8Array): boolean {
    if (this.#backlogBytes + frame.length > MAX_BACKLOG_BYTES) return false;
    if (this.#backlog.length === 0) this.#ws.pause();
    this.#backlog.push(frame);
    this.#backlogBytes += frame.length;
    return true;
  }

  /** Offers the frames held, oldest first, until one does not pass; reads on when all did. */
  release(pass: (frame: Uint8Array) => boolean): void {
    let passed = 0;
    for (const frame of this.#backlog) {
      if (!pass(frame)) break;
      this.#backlogBytes -= frame.length;
      passed++;
    }
    if (passed > 0) this.#backlog = this.#backlog.slice(passed);
    if (this.#backlog.length === 0) this.#ws.resume();
  }

  close(code: number, reason: string): void {
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#ws.resume(); // a paused socket would never read the other side's close
    this.#ws.close(code, reason);
  }
}
