import type { Millis } from '../base/index.ts';
import type { DatagramBatch } from './datagram-batch.ts';
import type { FakeLink } from './fake-link.ts';

/** Answers that wait to leave and belong to no connection; more are dropped. */
const MAX_ANSWERS = 1024;

/** Where an endpoint's datagrams leave: into the driver's batch, or through a bad network into it. */
export class Outlet<Address> {
  readonly #answers: { readonly to: Address; readonly bytes: Uint8Array }[] = [];
  readonly #fake: FakeLink<Address>;

  constructor(fake: FakeLink<Address>) {
    this.#fake = fake;
  }

  /** When something leaves next: -Infinity for now, Infinity for nothing. */
  get nextAt(): Millis {
    if (this.#answers.length > 0) return Number.NEGATIVE_INFINITY;
    return this.#fake.nextAt;
  }

  /** A datagram that belongs to no connection; false when too many wait. */
  answer(to: Address, bytes: Uint8Array): boolean {
    if (this.#answers.length >= MAX_ANSWERS) return false;
    this.#answers.push({ to, bytes });
    return true;
  }

  /** Moves the answers, and what the bad network lets go, as far as there is room. */
  flush(now: Millis, batch: DatagramBatch<Address>): void {
    while (this.#answers.length > 0 && !batch.isFull) {
      const { to, bytes } = this.#answers.shift() ?? {};
      if (to !== undefined && bytes !== undefined) this.give(now, batch, to, bytes);
    }
    this.flushFaked(now, batch);
  }

  flushFaked(now: Millis, batch: DatagramBatch<Address>): void {
    while (!batch.isFull) {
      const datagram = this.#fake.shiftDue(now);
      if (datagram === undefined) return;
      put(batch, datagram.address, datagram.bytes);
    }
  }

  /** A datagram; there is room. */
  give(now: Millis, batch: DatagramBatch<Address>, to: Address, bytes: Uint8Array): void {
    if (this.#fake.isIdle) put(batch, to, bytes);
    else this.#fake.push(now, to, bytes);
  }

  /** The `length` bytes just written to the batch's next slot. */
  giveWritten(now: Millis, batch: DatagramBatch<Address>, to: Address, length: number): void {
    if (this.#fake.isIdle) {
      batch.add(to, length);
      return;
    }
    const at = batch.count * batch.slotBytes;
    this.#fake.push(now, to, batch.memory.subarray(at, at + length));
  }
}

function put<Address>(batch: DatagramBatch<Address>, to: Address, bytes: Uint8Array): void {
  batch.memory.set(bytes, batch.count * batch.slotBytes);
  batch.add(to, bytes.length);
}
