import type { Core, Millis, Transmit } from '../base/index.ts';
import { encodeStun, readStun, StunClass, type StunMessage } from './message.ts';
import {
  resolveStunTransactionOptions,
  type StunTransactionOptions,
  waitAfterRequestMs,
} from './options.ts';

export type StunTransactionEvent =
  | { readonly type: 'response'; readonly message: StunMessage; readonly rttMs: number | undefined }
  | { readonly type: 'timeout' };

/**
 * waiting ──response──▶ done
 *    │ ▲
 *    │ └─ timer, requests left: send again, double the wait
 *    └─── timer, none left ──▶ failed
 */
export type StunTransactionState = 'waiting' | 'done' | 'failed';

/** One client request over an unreliable transport: RFC 8489 §6.2.1. */
export class StunTransaction<Address> implements Core<Address, StunTransactionEvent> {
  readonly #server: Address;
  readonly #request: Uint8Array;
  readonly #transactionId: Uint8Array;
  readonly #options: Required<StunTransactionOptions>;
  readonly #transmits: Transmit<Address>[] = [];
  readonly #events: StunTransactionEvent[] = [];
  #state: StunTransactionState = 'waiting';
  #deadline: Millis | undefined;
  #lastSentAt: Millis = 0;
  #requestsSent = 0;

  constructor(
    now: Millis,
    server: Address,
    request: StunMessage,
    options?: StunTransactionOptions,
  ) {
    this.#server = server;
    this.#request = encodeStun(request);
    this.#transactionId = request.transactionId;
    this.#options = resolveStunTransactionOptions(options);
    this.#send(now);
  }

  get state(): StunTransactionState {
    return this.#state;
  }

  handleDatagram(now: Millis, _from: Address, bytes: Uint8Array): void {
    // Which address answered is ICE's check to make (RFC 8445 §7.2.5.2.1), not STUN's.
    if (this.#state !== 'waiting') return;
    const message = readStun(bytes);
    if (message === undefined || !this.#isResponse(message)) return;
    // Karn: after a retransmission the round trip cannot be told, RFC 8489 §6.2.1.
    const rttMs = this.#requestsSent === 1 ? now - this.#lastSentAt : undefined;
    this.#finish('done', { type: 'response', message, rttMs });
  }

  handleTimeout(now: Millis): void {
    if (this.#deadline === undefined || now < this.#deadline) return;
    if (this.#requestsSent < this.#options.maxRequests) this.#send(now);
    else this.#finish('failed', { type: 'timeout' });
  }

  pollTransmit(): Transmit<Address> | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): StunTransactionEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis | undefined {
    return this.#deadline;
  }

  #send(now: Millis): void {
    this.#transmits.push({ to: this.#server, bytes: this.#request });
    this.#requestsSent += 1;
    this.#lastSentAt = now;
    this.#deadline = now + waitAfterRequestMs(this.#requestsSent, this.#options);
  }

  #finish(state: 'done' | 'failed', event: StunTransactionEvent): void {
    this.#state = state;
    this.#deadline = undefined;
    this.#events.push(event);
  }

  #isResponse(message: StunMessage): boolean {
    return (
      message.class >= StunClass.Success &&
      message.transactionId.every((byte, i) => byte === this.#transactionId[i])
    );
  }
}
