import type { ClientSocket, RelayPort } from './allocation.ts';

/** One datagram or frame to send, to a client or from a relayed address to a peer. */
export interface TurnTransmit {
  /**
   * The id of the {@link ClientSocket} or the {@link RelayPort}; {@link TO_SIBLING}: `bytes` are a frame
   * for the sibling that relays at `port`.
   */
  readonly socketId: number;
  readonly isToClient: boolean;
  readonly host: string;
  readonly port: number;
  /** A socket may keep it until it has left: not written again, unless `settleTransmits` allows it. */
  readonly bytes: Uint8Array;
}

/** No socket has this id. */
export const TO_SIBLING = 0;

type Slot = { -readonly [K in keyof TurnTransmit]: TurnTransmit[K] };

const nothing = new Uint8Array();
const newSlot = (): Slot => ({ socketId: 0, isToClient: false, host: '', port: 0, bytes: nothing });

/** What waits to be sent, in slots that are used again: drained after each input, so it stays short. */
export class TransmitQueue {
  readonly #slots: Slot[] = [newSlot()];
  #taken = 0;
  #filled = 0;

  toClient(socket: ClientSocket, host: string, port: number, bytes: Uint8Array): void {
    this.#fill(socket.id, true, host, port, bytes);
  }

  toPeer(relay: RelayPort, host: string, port: number, bytes: Uint8Array): void {
    this.#fill(relay.id, false, host, port, bytes);
  }

  toSibling(port: number, frame: Uint8Array): void {
    this.#fill(TO_SIBLING, false, '', port, frame);
  }

  /** Good until the next input. */
  take(): TurnTransmit | undefined {
    if (this.#taken < this.#filled) return this.#slots[this.#taken++];
    this.#taken = 0;
    this.#filled = 0;
    return undefined;
  }

  #fill(
    socketId: number,
    isToClient: boolean,
    host: string,
    port: number,
    bytes: Uint8Array,
  ): void {
    if (this.#filled === this.#slots.length) this.#slots.push(newSlot());
    const slot = this.#slots[this.#filled++];
    if (!slot) return;
    slot.socketId = socketId;
    slot.isToClient = isToClient;
    slot.host = host;
    slot.port = port;
    slot.bytes = bytes;
  }
}
