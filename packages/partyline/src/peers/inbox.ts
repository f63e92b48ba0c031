import type { PeerId, ReceivedMessage } from '../multiplayer/index.ts';

/** What a game that does not drain can make us hold; docs/limits.md is made from here. */
interface InboxLimits {
  /** Reliable bytes waiting; over it the senders are held back until half of them are taken. */
  readonly reliableBytes: number;
  /** Unreliable messages waiting; the oldest goes first. */
  readonly unreliableMessages: number;
  /** Their bytes, in the same way. */
  readonly unreliableBytes: number;
}

export const inboxLimits: InboxLimits = Object.freeze({
  reliableBytes: 16 * 1024 * 1024,
  unreliableMessages: 4096,
  unreliableBytes: 16 * 1024 * 1024,
});

/** What one message costs besides its bytes; so that empty ones are bounded too. */
const MESSAGE_OVERHEAD_BYTES = 64;
/** Places of messages that are gone; more of them than of messages are swept away. */
const KEPT_HOLES = 1024;

/**
 * Messages that the game has not taken yet, in arrival order. Of unreliable ones the oldest is
 * dropped when there are too many; of reliable ones none, so `isFull` must stop the senders.
 */
export class Inbox {
  readonly #limits: InboxLimits;
  #queue: (ReceivedMessage | undefined)[] = [];
  #head = 0;
  /** No unreliable message stands before this index. */
  #scan = 0;
  #count = 0;
  #reliableBytes = 0;
  #unreliable = 0;
  #unreliableBytes = 0;
  dropped = 0;

  constructor(limits: InboxLimits = inboxLimits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#reliableBytes >= this.#limits.reliableBytes;
  }

  /** Below half of the limit. */
  get isDrained(): boolean {
    return this.#reliableBytes * 2 <= this.#limits.reliableBytes;
  }

  /** Places in use, those of messages that are gone included: what this costs beside the messages. */
  get places(): number {
    return this.#queue.length;
  }

  push(message: ReceivedMessage): void {
    this.#queue.push(message);
    this.#count++;
    if (message.mode === 'reliable') this.#reliableBytes += cost(message);
    else {
      this.#unreliable++;
      this.#unreliableBytes += cost(message);
      const { unreliableMessages, unreliableBytes } = this.#limits;
      while (this.#unreliable > unreliableMessages || this.#unreliableBytes > unreliableBytes) {
        this.#dropOldestUnreliable();
      }
    }
    if (this.#queue.length > 2 * this.#count + KEPT_HOLES) this.#sweep();
  }

  take(): ReceivedMessage | undefined {
    while (this.#head < this.#queue.length) {
      const message = this.#queue[this.#head];
      this.#queue[this.#head++] = undefined;
      if (!message) continue;
      this.#forget(message);
      return message;
    }
    this.#queue = [];
    this.#head = 0;
    this.#scan = 0;
    return undefined;
  }

  /** Forgets what a removed peer said. */
  removeFrom(peer: PeerId): void {
    for (let i = this.#head; i < this.#queue.length; i++) {
      const message = this.#queue[i];
      if (message?.from !== peer) continue;
      this.#queue[i] = undefined;
      this.#forget(message);
    }
  }

  clear(): void {
    this.#head = this.#queue.length;
    this.#count = 0;
    this.#reliableBytes = 0;
    this.#unreliable = 0;
    this.#unreliableBytes = 0;
    this.take();
  }

  #forget(message: ReceivedMessage): void {
    this.#count--;
    if (message.mode === 'reliable') this.#reliableBytes -= cost(message);
    else {
      this.#unreliable--;
      this.#unreliableBytes -= cost(message);
    }
  }

  /** For a game that never takes the last one. */
  #sweep(): void {
    this.#queue = this.#queue.filter((message) => message !== undefined);
    this.#head = 0;
    this.#scan = 0;
  }

  #dropOldestUnreliable(): void {
    this.#scan = Math.max(this.#scan, this.#head);
    for (; this.#scan < this.#queue.length; this.#scan++) {
      const message = this.#queue[this.#scan];
      if (!message || message.mode === 'reliable') continue;
      this.#queue[this.#scan] = undefined;
      this.#forget(message);
      this.dropped++;
      return;
    }
  }
}

function cost({ bytes }: ReceivedMessage): number {
  return bytes.length + MESSAGE_OVERHEAD_BYTES;
}
