/**
 * Mulberry32 as a pure step: the generator's whole state is one unsigned 32-bit number that lives
 * in the game state, so equal seeds and inputs give equal games. Not for secrets.
 */
export interface Draw {
  /** 0 inclusive to 1 exclusive. */
  readonly value: number;
  /** The state for the next draw. */
  readonly next: number;
}

export function draw(state: number): Draw {
  const next = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(next ^ (next >>> 15), next | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return { value: ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32, next };
}
