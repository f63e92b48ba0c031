import {
  connectedPair,
  EventQueue,
  type GnsConnection,
  MAX_DATAGRAM_BYTES,
  type PairSetup,
} from '../gns/index.ts';
import { Connection, type ConnectionHost } from './gns-connection.ts';
import type { ConnectionBook } from './gns-connection-book.ts';

/** Packets moved in one turn of the event loop. */
const MAX_PACKETS_A_TURN = 256;

/** Two connected ends inside the process: no socket, no system call. */
export class Pipe implements ConnectionHost {
  readonly ends: readonly [Connection, Connection];
  readonly #cores: readonly [GnsConnection, GnsConnection];
  readonly #book: ConnectionBook;
  readonly #events = new EventQueue();
  readonly #datagram = new Uint8Array(MAX_DATAGRAM_BYTES);
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #isScheduled = false;

  constructor(setup: PairSetup, book: ConnectionBook) {
    this.#cores = connectedPair(this.now(), setup);
    this.#book = book;
    const [a, b] = this.#cores;
    this.ends = [new Connection(a, this), new Connection(b, this)];
    book.add(a, this.ends[0]);
    book.add(b, this.ends[1]);
    this.#tell();
  }

  now(): number {
    return performance.now();
  }

  touch(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    const [a, b] = this.#cores;
    const now = this.now();
    a.handleTimeout(now);
    b.handleTimeout(now);
    const isDone = this.#move(a, b) && this.#move(b, a);
    this.#tell();
    if (isDone) this.#arm();
    else this.touch();
  }

  /** False when there is more. */
  #move(from: GnsConnection, to: GnsConnection): boolean {
    const datagram = this.#datagram;
    for (let i = 0; i < MAX_PACKETS_A_TURN; i++) {
      const length = from.writeDatagram(this.now(), datagram, 0);
      if (length === 0) return true;
      to.handleDatagram(this.now(), datagram.subarray(0, length));
    }
    return false;
  }

  #tell(): void {
    for (const core of this.#cores) this.#events.take(this.now(), core);
    for (let e = this.#events.shift(); e; e = this.#events.shift()) {
      if (e.type !== 'incoming') this.#book.tell(e);
    }
  }

  #arm(): void {
    const now = this.now();
    const at = Math.min(...this.#cores.map((core) => core.wakeAt(now)));
    if (at <= now) {
      this.touch();
      return;
    }
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#turn();
    }, at - now).unref();
  }
}
