import type { Core, Millis, Transmit } from '../base/index.ts';
import { mulberry32 } from './random.ts';

export interface LinkConditions {
  /** One-way delay, in milliseconds. Default 0. */
  latencyMs?: number;
  /** Extra delay, drawn uniformly from 0 to this, in milliseconds; reorders. Default 0. */
  jitterMs?: number;
  /** Share of datagrams lost, 0 to 1. Default 0. */
  loss?: number;
  /** Share of datagrams that arrive twice, each copy with its own jitter, 0 to 1. Default 0. */
  duplicate?: number;
}

/**
 * Two cores joined by a link on a clock that jumps from deadline to deadline: a minute of protocol
 * takes microseconds, and one seed always gives one run.
 */
export class SimNetwork<EventA, EventB> {
  readonly eventsA: EventA[] = [];
  readonly eventsB: EventB[] = [];
  now: Millis;
  readonly #cores: { readonly a: Core<string, EventA>; readonly b: Core<string, EventB> };
  readonly #conditions: Required<LinkConditions>;
  readonly #random: () => number;
  readonly #inFlight: { at: Millis; from: string; packet: Transmit<string> }[] = [];

  constructor(
    a: Core<string, EventA>,
    b: Core<string, EventB>,
    conditions: LinkConditions = {},
    seed = 1,
    now: Millis = 0,
  ) {
    this.#cores = { a, b };
    this.#conditions = { latencyMs: 0, jitterMs: 0, loss: 0, duplicate: 0, ...conditions };
    this.#random = mulberry32(seed);
    this.now = now;
    this.#drain();
  }

  /** Runs until nothing is left to do, or until `untilMs`. */
  run(untilMs: Millis = Number.POSITIVE_INFINITY): void {
    for (let next = this.#nextAt(); next <= untilMs; next = this.#nextAt()) {
      if (next === Number.POSITIVE_INFINITY) return;
      this.now = Math.max(this.now, next);
      this.#deliverDue();
      this.#cores.a.handleTimeout(this.now);
      this.#cores.b.handleTimeout(this.now);
      this.#drain();
    }
  }

  #nextAt(): Millis {
    const timers = [this.#cores.a.pollTimeout(), this.#cores.b.pollTimeout()];
    const arrivals = this.#inFlight.map((flight) => flight.at);
    return Math.min(
      Number.POSITIVE_INFINITY,
      ...arrivals,
      ...timers.filter((t) => t !== undefined),
    );
  }

  #deliverDue(): void {
    const due = this.#inFlight.filter((flight) => flight.at <= this.now);
    for (const flight of due.sort((x, y) => x.at - y.at)) {
      this.#inFlight.splice(this.#inFlight.indexOf(flight), 1);
      const target = flight.packet.to === 'a' ? this.#cores.a : this.#cores.b;
      target.handleDatagram(this.now, flight.from, flight.packet.bytes);
    }
  }

  #drain(): void {
    const { a, b } = this.#cores;
    for (let p = a.pollTransmit(); p; p = a.pollTransmit()) this.#launch('a', p);
    for (let p = b.pollTransmit(); p; p = b.pollTransmit()) this.#launch('b', p);
    for (let e = a.pollEvent(); e !== undefined; e = a.pollEvent()) this.eventsA.push(e);
    for (let e = b.pollEvent(); e !== undefined; e = b.pollEvent()) this.eventsB.push(e);
  }

  #launch(from: string, packet: Transmit<string>): void {
    const { latencyMs, jitterMs, loss, duplicate } = this.#conditions;
    if (this.#random() < loss) return;
    const copies = duplicate > 0 && this.#random() < duplicate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#inFlight.push({ at: this.now + latencyMs + this.#random() * jitterMs, from, packet });
    }
  }
}
