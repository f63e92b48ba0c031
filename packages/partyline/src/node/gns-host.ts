import type { Logger } from '../base/index.ts';
import {
  type AskedServer,
  DatagramBatch,
  type GnsConnection,
  type GnsEndpoint,
  type GnsEvent,
  type UdpAddress,
} from '../gns/index.ts';
import type { GnsTap } from './gns-tap.ts';
import { type ReceivedBatch, UdpDriver, type UdpDriverOptions } from './udp-driver.ts';

/** Datagrams given to the system at once; the event loop turns between two batches. */
const BATCH_DATAGRAMS = 128;
const EAGER_CONNECTIONS = 32;
/** Written and given to the system within one call, so that all sockets share it: it takes 166 KB. */
const outgoing = new DatagramBatch<UdpAddress>(BATCH_DATAGRAMS);

/** Runs one GNS endpoint on one UDP socket: the clock, the timer, and when to write. */
export class GnsHost implements AsyncDisposable {
  readonly endpoint: GnsEndpoint<UdpAddress>;
  readonly driver: UdpDriver;
  readonly #onEvent: (event: GnsEvent) => void;
  readonly #tap: GnsTap | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #isScheduled = false;
  #isClosed = false;

  /** @throws NetError `UDP_SOCKET` */
  static async open(
    endpoint: GnsEndpoint<UdpAddress>,
    onEvent: (event: GnsEvent) => void,
    options: UdpDriverOptions & { logger?: Logger; tap?: GnsTap },
  ): Promise<GnsHost> {
    let host: GnsHost | undefined;
    const driver = await UdpDriver.open((batch) => {
      if (host !== undefined) host.#receive(batch);
    }, options);
    host = new GnsHost(endpoint, driver, onEvent, options.tap);
    return host;
  }

  private constructor(
    endpoint: GnsEndpoint<UdpAddress>,
    driver: UdpDriver,
    onEvent: (event: GnsEvent) => void,
    tap: GnsTap | undefined,
  ) {
    this.endpoint = endpoint;
    this.driver = driver;
    this.#onEvent = onEvent;
    this.#tap = tap;
  }

  now(): number {
    return performance.now();
  }

  /** Call after touching a connection: what it has to send leaves in this turn of the event loop. */
  touch(connection: GnsConnection): void {
    const { endpoint } = this;
    // Who sends to a thousand in a row: the ones before are written while the processor's cache holds them.
    const isNext = endpoint.touchedCount >= EAGER_CONNECTIONS && !endpoint.isTouched(connection);
    if (isNext && !this.#isClosed) this.#write();
    endpoint.touch(this.now(), connection);
    // Who closes may end the program within this turn, and the peer should hear of it.
    if (connection.state === 'finWait') this.sendNow();
    else this.schedule();
  }

  /** A question to a server leaves within this call: {@link GnsEndpoint.ask}. */
  ask(to: UdpAddress): AskedServer {
    const asked = this.endpoint.ask(this.now(), to);
    this.sendNow();
    return asked;
  }

  /** What waits to be sent leaves within this call; what there is to tell is told in its turn. */
  sendNow(): void {
    if (!this.#isClosed) this.#send(this.now());
    this.schedule();
  }

  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(() => {
      // A process that slept reads the acks that came meanwhile before it takes packets for lost.
      this.driver.deliver();
      if (this.#isScheduled) this.#turn();
    });
  }

  /** Writes what waits to be written, then closes the socket. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#write();
      this.#isClosed = true;
      clearTimeout(this.#timer);
    }
    await this.driver.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is left to do is answering strays: the process need not wait for that. */
  unref(): void {
    this.driver.unref();
  }

  #receive(batch: ReceivedBatch): void {
    if (this.#isClosed) return;
    const now = this.now();
    for (let i = 0; i < batch.count; i++) {
      const from = batch.from[i];
      const bytes = batch.bytes[i];
      if (from === undefined || bytes === undefined) continue;
      this.#tap?.datagram('in', this.driver.localAddress, from, bytes);
      this.endpoint.handleDatagram(now, from, bytes);
    }
    this.#turn();
  }

  #turn(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    this.#tell();
    const isDone = this.#write();
    this.#tell();
    if (!isDone) this.schedule();
    this.#arm();
    // Once the program has heard of it: it may have something to send, or to wait for.
    if (this.endpoint.isUnprepared) setImmediate(() => this.endpoint.prepare());
  }

  #tell(): void {
    for (let e = this.endpoint.pollEvent(); e !== undefined; e = this.endpoint.pollEvent()) {
      this.#onEvent(e);
    }
  }

  #write(): boolean {
    const now = this.now();
    this.endpoint.handleTimeout(now);
    return this.#send(now);
  }

  #send(now: number): boolean {
    const isDone = this.endpoint.fill(now, outgoing);
    if (this.#tap !== undefined) this.#show(this.#tap);
    this.driver.send(outgoing);
    return isDone;
  }

  #show(tap: GnsTap): void {
    for (let i = 0; i < outgoing.count; i++) {
      const to = outgoing.to[i];
      if (to !== undefined) tap.datagram('out', this.driver.localAddress, to, outgoing.bytes(i));
    }
  }

  /** Timers are moved only to an earlier time: one that fires too early just arms the next. */
  #arm(): void {
    const at = this.endpoint.pollTimeout() ?? Number.POSITIVE_INFINITY;
    if (this.#isClosed || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const delayMs = Math.max(0, at - this.now());
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.schedule();
    }, delayMs);
    this.#timer.unref(); // the socket keeps the process alive, as long as it should be
  }
}
