import type { Millis } from '../base/index.ts';
import { Deque } from './deque.ts';

/** A whole message; `bytes` belong to the application. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly lane: number;
  /** Counts the messages of its lane, reliable and unreliable, from 1. */
  readonly number: number;
  readonly isReliable: boolean;
  readonly receivedAt: Millis;
}

/** Messages that wait for the application, bounded in bytes and number. */
export class Inbox {
  readonly #messages = new Deque<ReceivedMessage>();
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  #bytes = 0;

  constructor(maxBytes: number, maxMessages: number) {
    this.#maxBytes = maxBytes;
    this.#maxMessages = maxMessages;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoom(bytes: number): boolean {
    return this.#messages.length < this.#maxMessages && this.#bytes + bytes <= this.#maxBytes;
  }

  push(message: ReceivedMessage): void {
    this.#bytes += message.bytes.length;
    this.#messages.push(message);
  }

  shift(): ReceivedMessage | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#bytes -= message.bytes.length;
    return message;
  }
}
