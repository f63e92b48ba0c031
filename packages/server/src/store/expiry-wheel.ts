import type { Cancel, Clock } from '../base/index.ts';

const SPOKE_MS = 1000;

/**
 * When keys end. Exact for whoever asks `isOver`; memory is given back once a second, by one timer
 * for all keys, which runs only while there are some.
 */
export class ExpiryWheel {
  readonly #clock: Clock;
  readonly #onOver: (key: string) => void;
  readonly #endsAtMs = new Map<string, number>();
  readonly #spokes = new Map<number, Set<string>>();
  #cancelTick: Cancel | undefined;

  constructor(clock: Clock, onOver: (key: string) => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** `undefined`: the key stays. */
  set(key: string, inMs: number | undefined): void {
    const before = this.#endsAtMs.get(key);
    if (before !== undefined) this.#spokes.get(spokeOf(before))?.delete(key);
    if (inMs === undefined) {
      this.#endsAtMs.delete(key);
      return;
    }
    const endsAtMs = this.#clock.nowMs() + inMs;
    this.#endsAtMs.set(key, endsAtMs);
    const spoke = spokeOf(endsAtMs);
    const keys = this.#spokes.get(spoke) ?? new Set<string>();
    this.#spokes.set(spoke, keys.add(key));
    this.#cancelTick ??= this.#arm();
  }

  isOver(key: string): boolean {
    const endsAtMs = this.#endsAtMs.get(key);
    return endsAtMs !== undefined && endsAtMs <= this.#clock.nowMs();
  }

  close(): void {
    this.#cancelTick?.();
    this.#endsAtMs.clear();
    this.#spokes.clear();
  }

  #arm(): Cancel {
    return this.#clock.after(SPOKE_MS, () => {
      this.#sweep();
      this.#cancelTick = this.#spokes.size > 0 ? this.#arm() : undefined;
    });
  }

  #sweep(): void {
    const current = spokeOf(this.#clock.nowMs());
    for (const [spoke, keys] of this.#spokes) {
      if (spoke >= current && keys.size > 0) continue;
      this.#spokes.delete(spoke);
      for (const key of keys) {
        this.#endsAtMs.delete(key);
        this.#onOver(key);
      }
    }
  }
}

function spokeOf(ms: number): number {
  return Math.floor(ms / SPOKE_MS);
}
