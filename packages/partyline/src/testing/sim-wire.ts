import type { Scheduler } from '../base/index.ts';
import { mulberry32 } from './random.ts';
import type { LinkConditions } from './sim-network.ts';

/** What a pair of {@link SimWire}s does to packets. The reliable lane keeps its promises whatever is set. */
export interface SimWireConditions extends LinkConditions {
  /** Share of unreliable packets that arrive twice, 0 to 1. Default 0. */
  duplicate?: number;
  /** How fast packets leave, in bytes per second. Default without limit. */
  bytesPerSecond?: number;
  /** A wire with so many bytes waiting to leave takes no more. Default 64 KiB. */
  bufferBytes?: number;
  /** Largest packet, in bytes. Default 1200. */
  maxPacketBytes?: number;
}

/** As `WireHandlers` of a peer's wires. */
export interface SimWireHandlers {
  onPacket(packet: Uint8Array, reliable: boolean): void;
  onWritable(): void;
  onClosed(reason: string): void;
}

const defaults: Required<SimWireConditions> = {
  latencyMs: 0,
  jitterMs: 0,
  loss: 0,
  duplicate: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  bufferBytes: 64 * 1024,
  maxPacketBytes: 1200,
};

/**
 * One end of a simulated wire: latency, jitter, loss, duplication and reordering on the unreliable
 * lane, a rate, and a death that takes what is under way with it. One seed gives one run.
 */
export class SimWire {
  readonly kind = 'simulated';
  readonly #scheduler: Scheduler;
  readonly #random: () => number;
  #conditions: Required<SimWireConditions>;
  #other: SimWire | undefined;
  #handlers: SimWireHandlers | undefined;
  #closed = false;
  #buffered = 0;
  #full = false;
  /** When the last byte accepted will have left. */
  #leavesAt = 0;
  /** The reliable lane never overtakes itself. */
  #reliableAt = 0;
  #underWay = 0;
  /** Packets lost or doubled so far: a test that shows no loss proves nothing about loss. */
  lost = 0;
  duplicated = 0;

  /** Two ends under one set of conditions; call {@link open} on each before it sends. */
  static pair(
    scheduler: Scheduler,
    conditions: SimWireConditions = {},
    seed = 1,
  ): [SimWire, SimWire] {
    const random = mulberry32(seed);
    const a = new SimWire(scheduler, conditions, random);
    const b = new SimWire(scheduler, conditions, random);
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  private constructor(scheduler: Scheduler, conditions: SimWireConditions, random: () => number) {
    this.#scheduler = scheduler;
    this.#conditions = { ...defaults, ...conditions };
    this.#random = random;
  }

  get maxPacketBytes(): number {
    return this.#conditions.maxPacketBytes;
  }

  get bufferedBytes(): number {
    return this.#buffered;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** From now on; what is under way is not changed. Only this direction. */
  setConditions(conditions: SimWireConditions): void {
    this.#conditions = { ...this.#conditions, ...conditions };
  }

  open(handlers: SimWireHandlers): this {
    this.#handlers = handlers;
    return this;
  }

  send(packet: Uint8Array, reliable: boolean): boolean {
    if (this.#closed) return false;
    const { bufferBytes, bytesPerSecond } = this.#conditions;
    if (this.#buffered > 0 && this.#buffered + packet.length > bufferBytes) {
      this.#full = true;
      return false;
    }
    const now = this.#scheduler.now();
    this.#leavesAt = Math.max(now, this.#leavesAt) + (packet.length * 1000) / bytesPerSecond;
    if (this.#leavesAt > now) this.#buffer(packet.length, this.#leavesAt - now);
    this.#launch(packet.slice(), reliable);
    return true;
  }

  /** Also ends the other end, after the latency; what is under way is lost. */
  close(reason = 'closed'): void {
    if (this.#closed) return;
    this.#closed = true;
    const other = this.#other;
    this.#scheduler.after(this.#conditions.latencyMs, () => {
      if (other) other.#die(reason);
    });
  }

  /** Both ends at once, as when a cable is cut. */
  cut(reason = 'cut'): void {
    const other = this.#other;
    this.#die(reason);
    if (other) other.#die(reason);
  }

  #die(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers?.onClosed(reason);
  }

  #buffer(bytes: number, delayMs: number): void {
    this.#buffered += bytes;
    this.#scheduler.after(delayMs, () => {
      this.#buffered -= bytes;
      if (!this.#full || this.#closed || this.#buffered * 2 > this.#conditions.bufferBytes) return;
      this.#full = false;
      this.#handlers?.onWritable();
    });
  }

  #launch(packet: Uint8Array, reliable: boolean): void {
    const { latencyMs, jitterMs, loss, duplicate } = this.#conditions;
    const delay = (): number => latencyMs + this.#random() * jitterMs;
    if (reliable) {
      this.#reliableAt = Math.max(this.#reliableAt, this.#leavesAt + delay());
      this.#arrive(packet, true, this.#reliableAt);
      return;
    }
    if (this.#random() < loss) {
      this.lost++;
      return;
    }
    this.#arrive(packet, false, this.#leavesAt + delay());
    if (this.#random() >= duplicate) return;
    this.duplicated++;
    this.#arrive(packet, false, this.#leavesAt + delay());
  }

  #arrive(packet: Uint8Array, reliable: boolean, at: number): void {
    const other = this.#other;
    this.#underWay++;
    const deliver = (): void => {
      this.#underWay--;
      if (!this.#closed && other && !other.#closed) other.#handlers?.onPacket(packet, reliable);
    };
    const delayMs = at - this.#scheduler.now();
    // `soon` would overtake a timer of this very moment.
    if (delayMs > 0 || this.#underWay > 1) this.#scheduler.after(Math.max(delayMs, 0), deliver);
    else this.#scheduler.soon(deliver);
  }
}
