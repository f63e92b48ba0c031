/** The game's numbers, once. Lengths in world units, speeds in units per second, times in ticks. */
export const rules = {
  ticksPerSecond: 30,
  maxShips: 8,

  width: 1500,
  height: 1050,

  shipRadius: 22,
  acceleration: 1900,
  /** Share of its speed that a ship loses per second, before thrust. */
  drag: 3.2,
  maxSpeed: 430,
  /** How much speed a bounce off the wall or another ship keeps. */
  bounce: 0.7,

  dashSpeed: 1050,
  dashTicks: 7,
  dashCooldownTicks: 42,
  /** A rammed ship cannot steer for this long, and cannot be rammed again. */
  stunTicks: 24,

  gemRadius: 11,
  gemsAtStart: 14,
  /** New gems appear while fewer than this lie around. */
  gemsWanted: 18,
  gemEveryTicks: 14,
  /** Hard limit; also what a snapshot may carry. */
  gemsMax: 64,
  /** What a rammed ship drops, at most. */
  gemsDropped: 4,
  gemDrag: 3.5,
  gemDropSpeed: 420,
  /** Dropped gems fly this long before anybody can take them. */
  gemShyTicks: 12,

  roundTicks: 90 * 30,
  pauseTicks: 7 * 30,
  maxScore: 65_535,
} as const;

/** Seconds per tick: the `dt` a match is played with. */
export const TICK_SECONDS: number = 1 / rules.ticksPerSecond;
