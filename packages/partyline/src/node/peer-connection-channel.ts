import type { DataChannel } from 'node-datachannel';
import type { ChannelMessageEvent, DataChannelEvent, DataChannelLike } from '../webrtc/index.ts';

/** A node-datachannel data channel in the W3C's shape. */
export class NodeDataChannel implements DataChannelLike {
  binaryType = 'arraybuffer';
  readonly #native: DataChannel;
  readonly #messageListeners: ((event: ChannelMessageEvent) => void)[] = [];
  readonly #listeners: { type: DataChannelEvent; listener: () => void }[] = [];
  #readyState: 'connecting' | 'open' | 'closed' = 'connecting';
  #lowThreshold = 0;

  constructor(native: DataChannel) {
    this.#native = native;
    native.onOpen(() => this.#moveTo('open', 'open'));
    native.onClosed(() => this.#moveTo('closed', 'close'));
    native.onBufferedAmountLow(() => this.#emit('bufferedamountlow'));
    native.onMessage((data) => {
      if (this.#readyState === 'closed') return;
      const message = typeof data === 'string' ? data : plain(data);
      for (const listener of this.#messageListeners) listener({ data: message });
    });
  }

  get readyState(): string {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    return this.#readyState === 'closed' ? 0 : this.#native.bufferedAmount();
  }

  get bufferedAmountLowThreshold(): number {
    return this.#lowThreshold;
  }

  set bufferedAmountLowThreshold(bytes: number) {
    this.#lowThreshold = bytes;
    this.#native.setBufferedAmountLowThreshold(bytes);
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#native.sendMessageBinary(bytes);
  }

  /** The connection is closing: no call reaches the native channel any more. */
  end(): void {
    this.#readyState = 'closed';
  }

  addEventListener(type: 'message', listener: (event: ChannelMessageEvent) => void): void;
  addEventListener(type: DataChannelEvent, listener: () => void): void;
  addEventListener(
    type: 'message' | DataChannelEvent,
    listener: ((event: ChannelMessageEvent) => void) | (() => void),
  ): void {
    if (type === 'message') this.#messageListeners.push(listener);
    // By the overloads, a listener of another type takes no argument.
    else this.#listeners.push({ type, listener: listener as () => void });
  }

  #moveTo(state: 'open' | 'closed', event: DataChannelEvent): void {
    if (this.#readyState === 'closed') return;
    this.#readyState = state;
    this.#emit(event);
  }

  #emit(type: DataChannelEvent): void {
    if (this.#readyState === 'closed' && type !== 'close') return;
    for (const entry of this.#listeners) if (entry.type === type) entry.listener();
  }
}

/** The same bytes, no Buffer: what a Buffer calls `slice` copies nothing. */
function plain(bytes: ArrayBuffer | Uint8Array): Uint8Array {
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
