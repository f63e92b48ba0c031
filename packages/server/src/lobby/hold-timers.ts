import type { Cancel, Clock } from '../base/index.ts';

/** One timer a lobby, for the seat that is held shortest. */
export class HoldTimers {
  readonly #clock: Clock;
  readonly #timers = new Map<string, Cancel>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces the lobby's timer; `undefined`: no seat is held. `atMs` is of the wall clock. */
  arm(lobby: string, atMs: number | undefined, onDue: () => void): void {
    this.#timers.get(lobby)?.();
    this.#timers.delete(lobby);
    if (atMs === undefined) return;
    const cancel = this.#clock.after(Math.max(0, atMs - this.#clock.wallMs()), () => {
      this.#timers.delete(lobby);
      onDue();
    });
    this.#timers.set(lobby, cancel);
  }

  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
