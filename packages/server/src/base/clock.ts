/** Ends what was scheduled; calling it late or twice is harmless. */
export type Cancel = () => void;

/** The time of everything that waits: the machine's in production, a hand-turned one in tests. */
export interface Clock {
  /** Milliseconds since 1970; what is stored and what tokens and certificates speak. */
  wallMs(): number;
  /** Monotonic, in milliseconds; what rates are counted with. */
  nowMs(): number;
  /** Does not keep the program alive. */
  after(delayMs: number, callback: () => void): Cancel;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
