/** How long to wait between attempts to reconnect. */
export interface BackoffOptions {
  /** Before the first attempt, in milliseconds. Default 250. */
  readonly minDelayMs?: number;
  /** The longest wait, in milliseconds. Default 5000. */
  readonly maxDelayMs?: number;
}

export const backoffDefaults: Required<BackoffOptions> = Object.freeze({
  minDelayMs: 250,
  maxDelayMs: 5000,
});

/**
 * Doubles with each attempt up to the longest wait, then is spread over its upper half, so that a
 * server that comes back is not met by all clients in one instant.
 *
 * @param attempt 0 for the first
 * @param random 0 to 1
 */
export function backoffDelayMs(
  attempt: number,
  random: number,
  { minDelayMs, maxDelayMs }: Required<BackoffOptions>,
): number {
  const delayMs = Math.min(maxDelayMs, minDelayMs * 2 ** attempt);
  return (delayMs / 2) * (1 + random);
}
