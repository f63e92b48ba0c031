import { type Gem, rules, type Snapshot, type SnapshotShip } from '../game/index.ts';

const TICK_MS = 1000 / rules.ticksPerSecond;
/** Farther apart than this, a ship did not fly but was put somewhere: no gliding between. */
const TELEPORT = 160;

export interface HistoryOptions {
  /** How far the picture runs behind the newest tick; hides jitter and single losses. Default 2.5 ticks. */
  readonly delayTicks?: number;
  /** Snapshots kept for {@link History.at}. Default 900: half a minute. */
  readonly capacity?: number;
}

/** A moment between two snapshots, for drawing. */
export type Frame = Pick<Snapshot, 'phase' | 'phaseTicksLeft' | 'ships' | 'gems'> & {
  /** With the fraction between two ticks. */
  readonly tick: number;
};

/** The newest snapshots by tick, and what to draw at a given moment. */
export class History {
  readonly #byTick = new Map<number, Snapshot>();
  readonly #delayTicks: number;
  readonly #capacity: number;
  #latest: Snapshot | undefined;
  /** Local time of the host's tick 0, as the fastest recent snapshots tell it. */
  #originMs: number | undefined;

  constructor({ delayTicks = 2.5, capacity = 900 }: HistoryOptions = {}) {
    this.#delayTicks = delayTicks;
    this.#capacity = capacity;
  }

  get latest(): Snapshot | undefined {
    return this.#latest;
  }

  /** Ticks kept, ascending. */
  get ticks(): readonly number[] {
    return [...this.#byTick.keys()];
  }

  at(tick: number): Snapshot | undefined {
    return this.#byTick.get(tick);
  }

  /** Snapshots that are not newer than the newest are dropped. */
  push(snapshot: Snapshot, nowMs: number): void {
    if (this.#latest && snapshot.tick <= this.#latest.tick) return;
    this.#latest = snapshot;
    this.#byTick.set(snapshot.tick, snapshot);
    for (const tick of this.#byTick.keys()) {
      if (this.#byTick.size <= this.#capacity) break;
      this.#byTick.delete(tick);
    }
    this.#adjustClock(nowMs - snapshot.tick * TICK_MS);
  }

  /** What to draw now; `undefined` before the first snapshot. */
  frame(nowMs: number): Frame | undefined {
    const latest = this.#latest;
    if (!latest || this.#originMs === undefined) return undefined;
    const wanted = (nowMs - this.#originMs) / TICK_MS - this.#delayTicks;
    const after = this.#firstFrom(wanted);
    if (!after || after.tick - wanted > 30) return latest;
    const before = this.#lastBefore(after.tick) ?? after;
    const span = after.tick - before.tick;
    const t = span > 0 ? Math.max(0, (wanted - before.tick) / span) : 1;
    return blend(before, after, t);
  }

  #adjustClock(sampleMs: number): void {
    const origin = this.#originMs;
    if (origin === undefined || sampleMs < origin || sampleMs > origin + 500) {
      this.#originMs = sampleMs;
    } else {
      this.#originMs = origin + (sampleMs - origin) * 0.02;
    }
  }

  #firstFrom(tick: number): Snapshot | undefined {
    let best: Snapshot | undefined;
    for (let at = this.#latest?.tick ?? 0; at >= tick && at > 0; at -= 1) {
      best = this.#byTick.get(at) ?? best;
      if (best && best.tick - at > 30) break;
    }
    return best;
  }

  #lastBefore(tick: number): Snapshot | undefined {
    for (let at = tick - 1; at > tick - 30; at -= 1) {
      const found = this.#byTick.get(at);
      if (found) return found;
    }
    return undefined;
  }
}

function blend(before: Snapshot, after: Snapshot, t: number): Frame {
  const shipsBefore = new Map(before.ships.map((ship) => [ship.id, ship]));
  const gemsBefore = new Map(before.gems.map((gem) => [gem.id, gem]));
  return {
    tick: before.tick + (after.tick - before.tick) * t,
    phase: after.phase,
    phaseTicksLeft: after.phaseTicksLeft,
    ships: after.ships.map((ship) => blendShip(shipsBefore.get(ship.id), ship, t)),
    gems: after.gems.map((gem) => glide(gemsBefore.get(gem.id), gem, t)),
  };
}

function blendShip(before: SnapshotShip | undefined, after: SnapshotShip, t: number): SnapshotShip {
  if (!before) return after;
  const hx = before.hx + (after.hx - before.hx) * t;
  const hy = before.hy + (after.hy - before.hy) * t;
  const length = Math.hypot(hx, hy);
  // Turning right round passes through nought, which has no direction.
  const turned = length > 0.1 ? { hx: hx / length, hy: hy / length } : {};
  return { ...glide(before, after, t), ...turned };
}

function glide<T extends Pick<Gem, 'x' | 'y'>>(before: T | undefined, after: T, t: number): T {
  if (!before || Math.hypot(after.x - before.x, after.y - before.y) > TELEPORT) return after;
  return {
    ...after,
    x: before.x + (after.x - before.x) * t,
    y: before.y + (after.y - before.y) * t,
  };
}
