import type { PeerId, ReceivedMessage } from '../multiplayer/index.ts';

/** docs/limits.md: what a game that does not drain can make us hold. */
export const inboxLimits: { readonly reliableBytes: number; readonly unreliableMessages: number } =
  Object.freeze({ reliableBytes: 16 * 1024 * 1024, unreliableMessages: 4096 });

/** What one message costs besides its bytes; so that empty ones are bounded too. */
const MESSAGE_OVERHEAD_BYTES = 64;

/**
 * Messages that the game has not taken yet, in arrival order. Of unreliable ones the oldest is
 * dropped when there are too many; of reliable ones none, so `isFull` must stop the senders.
 */
export class Inbox {
  readonly #limits: typeof inboxLimits;
  #queue: (ReceivedMessage | undefined)[] = [];
  #head = 0;
  /** No unreliable message stands before this index. */
  #scan = 0;
  #reliableBytes = 0;
  #unreliable = 0;
  dropped = 0;

  constructor(limits: typeof inboxLimits = inboxLimits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#reliableBytes >= this.#limits.reliableBytes;
  }

  /** Below half of the limit. */
  get isDrained(): boolean {
    return this.#reliableBytes * 2 <= this.#limits.reliableBytes;
  }

  push(message: ReceivedMessage): void {
    this.#queue.push(message);
    if (message.mode === 'reliable') {
      this.#reliableBytes += message.bytes.length + MESSAGE_OVERHEAD_BYTES;
      return;
    }
    this.#unreliable++;
    if (this.#unreliable > this.#limits.unreliableMessages) this.#dropOldestUnreliable();
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
    this.#reliableBytes = 0;
    this.#unreliable = 0;
    this.take();
  }

  #forget(message: ReceivedMessage): void {
    if (message.mode === 'reliable') {
      this.#reliableBytes -= message.bytes.length + MESSAGE_OVERHEAD_BYTES;
    } else this.#unreliable--;
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
