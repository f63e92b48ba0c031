import type { Connection } from 'partyline/node';
import { SendFlag } from 'partyline/protocol/snp';
import { isOpen } from '../traffic.ts';

/** Nothing is added while more than this waits to leave, in bytes (test_p2p `k_nSendBufferLimit`). */
const SEND_BUFFER_LIMIT = 32 * 1024;
const MAX_MESSAGES_PER_TICK = 4;
const MIN_SIZE = 8;
const MAX_SIZE = 10_240;
const COUNTER_BYTES = 4;

/**
 * The traffic of GNS's `test_p2p`: each tick zero to four messages of 8 to 10240 bytes, small ones
 * most often, reliable or not, numbered per kind. A reliable number out of turn is a failure.
 */
export class CounterTraffic {
  readonly #connection: Connection;
  readonly #random: () => number;
  readonly sent = { reliable: 0, unreliable: 0 };
  readonly received = { reliable: 0, unreliable: 0 };
  /** Unreliable ones that came out of turn, or after one that was lost. */
  unreliableGaps = 0;
  #expectedUnreliable = 0;
  /** What went wrong first. */
  failure: string | undefined;

  constructor(connection: Connection, random: () => number = Math.random) {
    this.#connection = connection;
    this.#random = random;
  }

  tick(): void {
    this.receive();
    if (isOpen(this.#connection)) this.#send();
  }

  receive(): void {
    for (let m = this.#connection.receive(); m !== undefined; m = this.#connection.receive()) {
      this.take(m.bytes, m.isReliable);
    }
  }

  take(bytes: Uint8Array, isReliable: boolean): void {
    if (bytes.length < COUNTER_BYTES) {
      this.failure ??= `a message of ${bytes.length} bytes`;
      return;
    }
    const counter = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
    if (isReliable) {
      const { reliable } = this.received;
      if (counter !== reliable)
        this.failure ??= `reliable message ${counter} in place of ${reliable}`;
      this.received.reliable += 1;
    } else {
      if (counter !== this.#expectedUnreliable) this.unreliableGaps += 1;
      this.#expectedUnreliable = counter + 1;
      this.received.unreliable += 1;
    }
  }

  #send(): void {
    const { pendingReliableBytes, pendingUnreliableBytes } = this.#connection.stats();
    if (pendingReliableBytes + pendingUnreliableBytes >= SEND_BUFFER_LIMIT) return;
    const count = Math.floor(this.#random() * (MAX_MESSAGES_PER_TICK + 1));
    for (let i = 0; i < count; i++) {
      const kind = this.#random() < 0.5 ? 'reliable' : 'unreliable';
      const flags = kind === 'reliable' ? SendFlag.Reliable : SendFlag.Unreliable;
      if (this.#connection.send(this.#message(this.sent[kind]), flags) <= 0) return;
      this.sent[kind] += 1;
    }
  }

  #message(counter: number): Uint8Array {
    const size = MIN_SIZE + Math.floor((MAX_SIZE - MIN_SIZE) ** this.#random());
    const bytes = new Uint8Array(Math.min(size, MAX_SIZE));
    new DataView(bytes.buffer).setInt32(0, counter, true);
    return bytes;
  }
}
