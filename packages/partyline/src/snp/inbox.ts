import type { Millis } from '../base/index.ts';
import { Deque } from './deque.ts';
import type { SnpOptions } from './options.ts';

/** A whole message; `bytes` belong to the application. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly lane: number;
  /** Counts the messages of its lane, reliable and unreliable, from 1. */
  readonly number: number;
  readonly isReliable: boolean;
  readonly receivedAt: Millis;
}

type InboxLimits = Pick<Required<SnpOptions>, 'receiveBufferBytes' | 'receiveBufferMessages'>;

/** Messages that wait for the application, bounded in bytes and number. */
export class Inbox {
  readonly #messages = new Deque<ReceivedMessage>();
  readonly #options: InboxLimits;
  #bytes = 0;

  /** The limits may change meanwhile. */
  constructor(options: InboxLimits) {
    this.#options = options;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoom(bytes: number): boolean {
    if (this.#messages.length === 0) return true; // taken under a limit that was lowered since
    const { receiveBufferBytes, receiveBufferMessages } = this.#options;
    return (
      this.#messages.length < receiveBufferMessages && this.#bytes + bytes <= receiveBufferBytes
    );
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
