import type { Millis } from '../base/index.ts';
import { encodeConnectionClosed, encodeNoConnection } from './messages.ts';
import { CONNECT_RETRY_MS } from './protocol.ts';

/** The close is told so often while nobody answers: GNS tells it once, and then only when asked. */
const CLOSE_REPEATS = 3;
/** Answers waiting to leave; more would only repeat them. */
const MAX_WAITING = 4;

/** Tells the peer that a connection is over, and answers when the peer says so. */
export class CloseNotice {
  readonly #waiting: Uint8Array[] = [];
  #notice: Uint8Array | undefined;
  #repeatsLeft = 0;
  #againAt: Millis = Number.POSITIVE_INFINITY;

  /** When {@link CloseNotice.check} is next due; now, while something waits to leave. */
  wakeAt(now: Millis): Millis {
    return this.#waiting.length > 0 ? now : this.#againAt;
  }

  /** We end it: ConnectionClosed, repeated until {@link CloseNotice.acknowledged}. */
  begin(now: Millis, from: number, to: number, reason: number, debug: string): void {
    this.#notice = encodeConnectionClosed({ to, from, reason, debug });
    this.#push(this.#notice);
    this.#repeatsLeft = CLOSE_REPEATS;
    this.#againAt = now + CONNECT_RETRY_MS;
  }

  /** The peer knows: GNS answers a 36 with a 37, or closed on its own. */
  acknowledged(): void {
    this.#repeatsLeft = 0;
    this.#againAt = Number.POSITIVE_INFINITY;
  }

  /** The peer ended it: NoConnection, at once, with the ids of its message swapped. */
  answer(from: number, to: number): void {
    this.#push(encodeNoConnection({ from, to }));
  }

  /** Something came for a connection that we ended. */
  remind(): void {
    if (this.#notice !== undefined && this.#waiting.length === 0) this.#push(this.#notice);
  }

  check(now: Millis): void {
    if (now < this.#againAt) return;
    this.#repeatsLeft -= 1;
    if (this.#repeatsLeft <= 0) {
      this.acknowledged();
      return;
    }
    this.remind();
    this.#againAt = now + CONNECT_RETRY_MS;
  }

  /** The next datagram to send. */
  shift(): Uint8Array | undefined {
    return this.#waiting.length === 0 ? undefined : this.#waiting.shift();
  }

  #push(datagram: Uint8Array): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(datagram);
  }
}
