import type { Millis } from './core.ts';

/** Ends what was scheduled; calling it late or twice is harmless. */
export type Cancel = () => void;

/** Longest delay of a timer, in milliseconds: over it `setTimeout` fires at once. About 25 days. */
export const MAX_DELAY_MS: number = 2 ** 31 - 1;

/**
 * The clock and the timer of objects that are not pure cores (sessions, peers). Shells pass the
 * machine's, tests pass `VirtualClock` from `partyline/testing`.
 */
export interface Scheduler {
  /** Monotonic, in milliseconds. */
  now(): Millis;
  /** Wall clock, in milliseconds since 1970: for certificates and log lines only. */
  wallClockMs(): number;
  /** A delay over {@link MAX_DELAY_MS}, also `Infinity`, counts as that. */
  after(delayMs: number, callback: () => void): Cancel;
  /** Runs soon, before any timer: what was queued in one turn leaves in one packet. */
  soon(callback: () => void): void;
}
