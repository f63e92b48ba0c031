import type { Millis } from '../../base/index.ts';
import { p2pLimits } from './limits.ts';
import { type Rendezvous, type SignalMessage, signalMessageBytes } from './rendezvous.ts';

/** Unacknowledged for so long a message is sent again (GNS `k_usecP2PSignalReliableRTO`: 1000), in ms. */
const RETRY_MS = 500;
/** The later messages of a signal wait for the next one past this (GNS: 800), in bytes. */
const SIGNAL_MESSAGE_BYTES = 4000;

/** What a signal carries of the sub-stream. */
export type StreamPart = Pick<Rendezvous, 'acked' | 'first' | 'messages'>;

interface Waiting {
  readonly number: number;
  readonly message: SignalMessage;
  readonly bytes: number;
  retryAt: Millis;
}

/**
 * The reliable sub-stream of one connection's signals, over signaling that loses, doubles and
 * reorders: numbers from 1, cumulative acknowledgements, no gaps taken. GNS `CSteamNetworkConnectionP2P`
 * from `QueueSignalReliableMessage` to `ProcessSignal`; docs/wire/gns-p2p.md#reliable-sub-stream.
 */
export class SignalStream {
  readonly #waiting: Waiting[] = [];
  #sent = 0;
  #received = 0;

  /** False when too many wait for an acknowledgement already. */
  queue(message: SignalMessage): boolean {
    if (this.#waiting.length >= p2pLimits.waitingMessages) return false;
    this.#sent += 1;
    const bytes = signalMessageBytes(message);
    const retryAt = Number.NEGATIVE_INFINITY;
    this.#waiting.push({ number: this.#sent, message, bytes, retryAt });
    return true;
  }

  /** Has the other side everything? */
  get isAcknowledged(): boolean {
    return this.#waiting.length === 0;
  }

  /** When a signal is due for something that was not acknowledged; Infinity for never. */
  get retryAt(): Millis {
    let at = Number.POSITIVE_INFINITY;
    for (const { retryAt } of this.#waiting) at = Math.min(at, retryAt);
    return at;
  }

  /** The new messages of a signal, each once and in order. What follows a gap comes again. */
  take({ acked, first, messages }: StreamPart): readonly SignalMessage[] {
    while ((this.#waiting[0]?.number ?? Number.POSITIVE_INFINITY) <= acked) this.#waiting.shift();
    if (first < 1 || first > this.#received + 1) return [];
    const fresh = messages.slice(this.#received + 1 - first);
    this.#received += fresh.length;
    return fresh;
  }

  /**
   * What the next signal carries: what was not sent yet or not acknowledged in time, and all that
   * follows. `isHandshake`: from the oldest one on, because the other side may know none of it.
   */
  give(now: Millis, isHandshake: boolean): StreamPart {
    const messages: SignalMessage[] = [];
    let first = 0;
    let bytes = 0;
    for (const entry of this.#waiting) {
      if (first === 0 && entry.retryAt > now && !isHandshake) continue;
      bytes += entry.bytes;
      const isFull = bytes > SIGNAL_MESSAGE_BYTES || messages.length >= p2pLimits.messagesPerSignal;
      if (first !== 0 && isFull) break;
      if (first === 0) first = entry.number;
      messages.push(entry.message);
      entry.retryAt = now + RETRY_MS;
    }
    return { acked: this.#received, first, messages };
  }

  /** What was sent and is not acknowledged is due at once. */
  retryAll(now: Millis): void {
    for (const entry of this.#waiting) entry.retryAt = Math.min(entry.retryAt, now);
  }

  /** The connection has ended: nothing is sent or awaited any more. */
  clear(): void {
    this.#waiting.length = 0;
  }
}
