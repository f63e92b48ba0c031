import type { Cancel, Millis, Scheduler } from '../base/index.ts';
import type { StunMessage } from './message.ts';
import {
  resolveStunTransactionOptions,
  type StunTransactionOptions,
  waitAfterRequestMs,
} from './options.ts';

/** What one request waits for. */
export interface StunRequest {
  /** 12 bytes, which nobody can guess. */
  readonly transactionId: Uint8Array;
  /** Encoded; sent as it is each time. */
  readonly bytes: Uint8Array;
  /**
   * A response with this id. `false`: it counts as never received, and the request is sent on
   * (RFC 8489 §9.2.5: the MAC is wrong).
   */
  onAnswer(message: StunMessage, bytes: Uint8Array): boolean;
  /** Nothing came that {@link onAnswer} took. Neither is called after the other. */
  onTimeout(): void;
}

interface Pending {
  readonly request: StunRequest;
  requestsSent: number;
  deadline: Millis;
}

/** Requests of one client to one server, by transaction id: sent again until answered or too old. */
export class StunTransactionTable {
  readonly #scheduler: Scheduler;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #options: Required<StunTransactionOptions>;
  readonly #pending = new Map<string, Pending>();
  #cancelTimer: Cancel = () => {};
  #timerAt: Millis = Number.POSITIVE_INFINITY;

  /**
   * With `isReliable` (TCP, TLS, WebSocket) each is sent once and waits as long in all: RFC 8489 §6.2.2.
   * @throws NetError `OPTIONS_INVALID`
   */
  constructor(
    scheduler: Scheduler,
    send: (bytes: Uint8Array) => void,
    { isReliable, ...timing }: StunTransactionOptions & { readonly isReliable: boolean },
  ) {
    this.#scheduler = scheduler;
    this.#send = send;
    const options = resolveStunTransactionOptions(timing);
    this.#options = isReliable ? onceOnly(options) : options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Sends it at once. The result ends it without a word. */
  begin(request: StunRequest): Cancel {
    const key = keyOf(request.transactionId);
    const pending = { request, requestsSent: 0, deadline: 0 };
    this.#pending.set(key, pending);
    this.#transmit(pending);
    this.#arm();
    return () => {
      if (this.#pending.get(key) === pending) this.#pending.delete(key);
    };
  }

  /** False when nobody waits for it. `bytes` is what `message` was decoded from. */
  handleResponse(message: StunMessage, bytes: Uint8Array): boolean {
    const key = keyOf(message.transactionId);
    const pending = this.#pending.get(key);
    if (!pending) return false;
    this.#pending.delete(key); // first: the answer may begin another
    if (!pending.request.onAnswer(message, bytes)) this.#pending.set(key, pending);
    return true;
  }

  /** Ends them all without a word. */
  close(): void {
    this.#pending.clear();
    this.#cancelTimer();
  }

  #transmit(pending: Pending): void {
    pending.requestsSent += 1;
    pending.deadline =
      this.#scheduler.now() + waitAfterRequestMs(pending.requestsSent, this.#options);
    this.#send(pending.request.bytes);
  }

  #arm(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#pending.values()) next = Math.min(next, deadline);
    if (next === this.#timerAt) return;
    this.#cancelTimer();
    this.#timerAt = next;
    if (next === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#scheduler.after(next - this.#scheduler.now(), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#handleTimeout();
      this.#arm();
    });
  }

  #handleTimeout(): void {
    const now = this.#scheduler.now();
    for (const [key, pending] of [...this.#pending]) {
      if (pending.deadline > now || this.#pending.get(key) !== pending) continue;
      if (pending.requestsSent < this.#options.maxRequests) this.#transmit(pending);
      else {
        this.#pending.delete(key);
        pending.request.onTimeout();
      }
    }
  }
}

/** RFC 8489 §6.2.2: Ti is as long as all the waits of a datagram's client, 39.5 s by default. */
function onceOnly(options: Required<StunTransactionOptions>): Required<StunTransactionOptions> {
  let waits = 0;
  for (let sent = 1; sent <= options.maxRequests; sent++) {
    waits += waitAfterRequestMs(sent, options);
  }
  return { ...options, maxRequests: 1, lastWaitFactor: waits / options.initialRtoMs };
}

function keyOf(transactionId: Uint8Array): string {
  return String.fromCharCode(...transactionId);
}
