import { MAX_DATAGRAM_BYTES } from './protocol.ts';

/**
 * Datagrams to send, in one piece of memory that is used again for the next batch: what a driver
 * hands to the system in one call, if it can.
 */
export class DatagramBatch<Address> {
  readonly capacity: number;
  /** Datagram i begins at i * {@link DatagramBatch.slotBytes}. */
  readonly slotBytes: number = MAX_DATAGRAM_BYTES;
  readonly lengths: Uint16Array;
  readonly to: (Address | undefined)[];
  count = 0;
  #memory: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.lengths = new Uint16Array(capacity);
    this.to = new Array<Address | undefined>(capacity).fill(undefined);
    this.#memory = new Uint8Array(capacity * MAX_DATAGRAM_BYTES);
  }

  get memory(): Uint8Array {
    return this.#memory;
  }

  get isFull(): boolean {
    return this.count === this.capacity;
  }

  /** A datagram of `length` bytes was written to the slot of number `count`. */
  add(to: Address, length: number): void {
    this.lengths[this.count] = length;
    this.to[this.count] = to;
    this.count += 1;
  }

  /** A view of datagram `index`. */
  bytes(index: number): Uint8Array {
    const at = index * this.slotBytes;
    return this.#memory.subarray(at, at + (this.lengths[index] ?? 0));
  }

  clear(): void {
    this.count = 0;
  }

  /** The system still reads the memory: the next batch gets another. */
  abandonMemory(): void {
    this.#memory = new Uint8Array(this.#memory.length);
  }
}
