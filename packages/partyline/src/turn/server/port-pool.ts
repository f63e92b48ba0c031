import type { Millis } from '../../base/index.ts';

const Port = { Free: 0, Used: 1, Resting: 2 } as const;

/** Random tries before ports are looked at one by one. */
const RANDOM_TRIES = 8;

/** Which ports of a range are free; a freed one rests before it is given out again, those in `never` are not ours. */
export class PortPool {
  readonly #min: number;
  readonly #states: Uint8Array;
  readonly #restMs: number;
  readonly #never: ReadonlySet<number>;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #resting: { readonly port: number; readonly untilMs: Millis }[] = [];
  #restingFrom = 0;
  #free: number;

  constructor(
    { min, max }: { readonly min: number; readonly max: number },
    restMs: number,
    never: ReadonlySet<number>,
    randomBytes: (length: number) => Uint8Array,
  ) {
    this.#min = min;
    this.#states = new Uint8Array(max - min + 1);
    this.#free = this.#states.length;
    this.#restMs = restMs;
    this.#never = never;
    this.#randomBytes = randomBytes;
  }

  get freePorts(): number {
    return this.#free;
  }

  has(port: number): boolean {
    return port >= this.#min && port < this.#min + this.#states.length;
  }

  /** Any free port, at random so that it cannot be guessed (RFC 6056 §3.3.1); `undefined` without one. */
  take(now: Millis): number | undefined {
    return this.#take(now, (at) => this.#isFree(at));
  }

  /** An even port. */
  takeEven(now: Millis): number | undefined {
    return this.#take(now, (at) => this.#isFree(at) && (this.#min + at) % 2 === 0);
  }

  /** An even port whose successor is free too; both are taken. RFC 8656 §7.2. */
  takePair(now: Millis): number | undefined {
    const isPair = (at: number): boolean =>
      this.#isFree(at) && this.#isFree(at + 1) && (this.#min + at) % 2 === 0;
    const port = this.#take(now, isPair);
    if (port !== undefined) this.#occupy(port + 1 - this.#min);
    return port;
  }

  /** The port rests, then it is free. */
  give(now: Millis, port: number): void {
    const at = port - this.#min;
    if (this.#states[at] !== Port.Used) return;
    this.#states[at] = Port.Resting;
    this.#resting.push({ port, untilMs: now + this.#restMs });
  }

  #take(now: Millis, fits: (at: number) => boolean): number | undefined {
    this.#wake(now);
    if (this.#free === 0) return undefined;
    const size = this.#states.length;
    const random = this.#randomBytes(2 * RANDOM_TRIES);
    let at = 0;
    for (let i = 0; i < RANDOM_TRIES; i++) {
      at = (((random[2 * i] ?? 0) << 8) | (random[2 * i + 1] ?? 0)) % size;
      if (fits(at)) return this.#occupy(at);
    }
    for (let step = 1; step < size; step++) {
      const next = (at + step) % size;
      if (fits(next)) return this.#occupy(next);
    }
    return undefined;
  }

  #occupy(at: number): number {
    this.#states[at] = Port.Used;
    this.#free--;
    return this.#min + at;
  }

  #isFree(at: number): boolean {
    return this.#states[at] === Port.Free && !this.#never.has(this.#min + at);
  }

  /** Ports rest equally long, so the oldest is first. */
  #wake(now: Millis): void {
    let first = this.#resting[this.#restingFrom];
    while (first !== undefined && first.untilMs <= now) {
      this.#states[first.port - this.#min] = Port.Free;
      this.#free++;
      first = this.#resting[++this.#restingFrom];
    }
    if (this.#restingFrom > 1000 || this.#restingFrom === this.#resting.length) {
      this.#resting.splice(0, this.#restingFrom);
      this.#restingFrom = 0;
    }
  }
}
