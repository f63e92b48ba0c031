import { RELAY_PACKET_BYTES } from './relay-limits.ts';
import { type RelaySeal, SEAL_OVERHEAD_BYTES } from './relay-seal.ts';
import type { Wire, WireHandlers } from './wire.ts';

/** A relay socket with so many bytes waiting takes no more: what waits there is old when it leaves. */
export const RELAY_BUFFER_BYTES: number = 64 * 1024;

export interface RelayWireOptions {
  readonly seal: RelaySeal;
  readonly send: (payload: Uint8Array, reliable: boolean) => void;
  readonly bufferedBytes: () => number;
  readonly onFull: () => void;
}

/** Sealed packets to one member over the relay socket that all members share. */
export class RelayWire implements Wire {
  readonly kind = 'relay';
  readonly maxPacketBytes: number = RELAY_PACKET_BYTES - SEAL_OVERHEAD_BYTES;
  readonly #options: RelayWireOptions;
  #handlers: WireHandlers | undefined;
  #isFull = false;
  #isClosed = false;
  /** Payloads that did not open: of another session, changed, or repeated. */
  dropped = 0;

  constructor(options: RelayWireOptions) {
    this.#options = options;
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#options.bufferedBytes();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(packet: Uint8Array, reliable: boolean): boolean {
    const { seal, send, bufferedBytes, onFull } = this.#options;
    if (this.#isClosed || packet.length > this.maxPacketBytes) return false;
    if (bufferedBytes() >= RELAY_BUFFER_BYTES) {
      this.#isFull = true;
      onFull();
      return false;
    }
    send(seal.seal(packet, reliable), reliable);
    return true;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** For the path. */
  open(handlers: WireHandlers): void {
    this.#handlers = handlers;
  }

  handlePayload(payload: Uint8Array, reliable: boolean): 'gap' | undefined {
    if (this.#isClosed) return undefined;
    const opened = this.#options.seal.open(payload, reliable);
    if (opened.type === 'packet') this.#handlers?.onPacket(opened.packet, reliable);
    else this.dropped++;
    return opened.type === 'gap' ? 'gap' : undefined;
  }

  handleWritable(): void {
    if (!this.#isFull || this.#isClosed) return;
    this.#isFull = false;
    this.#handlers?.onWritable();
  }

  end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handlers?.onClosed(reason);
  }
}
