import { fly, type Input, idle, type Ship, type Snapshot, TICK_SECONDS } from '../game/index.ts';

interface Sent {
  /** Modulo 256, as the host acknowledges it. */
  readonly number: number;
  readonly input: Input;
}

/** More than two seconds on their way: then the host rules alone until it answers. */
const MAX_SENT = 60;
/** A correction larger than this is a jump, not something to smooth. */
const MAX_SMOOTHED = 160;
/** What is left of a correction a tick later. */
const SMOOTHING = 0.8;

/**
 * The own ship as it will be when the host has heard of everything that was sent: the newest state
 * of the host, and on top of it the inputs that it did not know yet. So the ship answers at once,
 * and where it is remains the host's decision.
 */
export class Prediction {
  #sent: Sent[] = [];
  #now: Ship | undefined;
  #before: Ship | undefined;
  #tickedAtMs = 0;
  /** By how much the picture differs from the prediction, after a correction. */
  #error = { x: 0, y: 0 };

  /** Once a tick, with what was sent in it. */
  push(number: number, input: Input, nowMs: number): void {
    this.#tickedAtMs = nowMs;
    this.#error = { x: this.#error.x * SMOOTHING, y: this.#error.y * SMOOTHING };
    this.#before = this.#now;
    if (!this.#now) return;
    this.#sent.push({ number, input });
    if (this.#sent.length > MAX_SENT) this.#sent.shift();
    this.#now = fly(this.#now, input, TICK_SECONDS);
  }

  /** What the host says: its state with the number of the newest thrust it knew. */
  correct({ phase, ships }: Pick<Snapshot, 'phase' | 'ships'>, self: number): void {
    const told = ships.find((ship) => ship.id === self);
    if (!told) {
      this.#now = undefined;
      this.#sent = [];
      return;
    }
    this.#sent = this.#sent.filter(({ number }) => isNewer(number, told.ack));
    const predicted = this.#sent.reduce<Ship>(
      (ship, { input }) => fly(ship, phase === 'play' ? input : idle, TICK_SECONDS),
      told,
    );
    this.#smooth(predicted);
    this.#now = predicted;
  }

  /** Where to draw it, between the last tick and this one. `undefined` without a ship. */
  ship(nowMs: number): Ship | undefined {
    const now = this.#now;
    if (!now) return undefined;
    const before = this.#before ?? now;
    const t = Math.min(1, Math.max(0, (nowMs - this.#tickedAtMs) / 1000 / TICK_SECONDS));
    return {
      ...now,
      x: before.x + (now.x - before.x) * t + this.#error.x,
      y: before.y + (now.y - before.y) * t + this.#error.y,
    };
  }

  /** The picture stays where it was and comes to the corrected place over some ticks. */
  #smooth(predicted: Ship): void {
    const now = this.#now;
    const [dx, dy] = now ? [now.x - predicted.x, now.y - predicted.y] : [0, 0];
    const [x, y] = [this.#error.x + dx, this.#error.y + dy];
    const isJump = Math.hypot(x, y) > MAX_SMOOTHED;
    this.#error = isJump ? { x: 0, y: 0 } : { x, y };
    const before = this.#before;
    if (!before) return;
    this.#before = isJump ? predicted : { ...before, x: before.x - dx, y: before.y - dy };
  }
}

/** Numbers go round at 256: half of them count as newer. */
function isNewer(number: number, than: number): boolean {
  const ahead = (number - than) & 0xff;
  return ahead > 0 && ahead < 128;
}
