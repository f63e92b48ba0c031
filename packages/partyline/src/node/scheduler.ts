import { MAX_DELAY_MS, type Scheduler } from '../base/index.ts';

/** The machine's clocks and timers. */
export const nodeScheduler: Scheduler = Object.freeze({
  now: () => performance.now(),
  wallClockMs: () => Date.now(),
  after: (delayMs: number, callback: () => void) => {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
  soon: (callback: () => void) => queueMicrotask(callback),
});
