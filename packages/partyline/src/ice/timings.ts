import { NetError } from '../base/index.ts';
import type { IceDialect, IceTimings } from './agent-options.ts';

/** Defaults; see {@link IceTimings}. */
export const iceTimings: Readonly<Record<IceDialect, IceTimings>> = Object.freeze({
  standard: Object.freeze({
    paceMs: 20,
    checkRtoMs: 250,
    maxCheckRequests: 7,
    relayHoldMs: 600,
    relayCheckDelayMs: 200,
    settleMs: 60,
    connectTimeoutMs: 20_000,
    keepaliveMs: 4000,
    silenceMs: 400,
    consentMs: 30_000,
  }),
  gns: Object.freeze({
    paceMs: 20,
    checkRtoMs: 250,
    maxCheckRequests: 7,
    relayHoldMs: 600,
    relayCheckDelayMs: 200,
    settleMs: 60,
    connectTimeoutMs: 20_000,
    keepaliveMs: 15_000,
    silenceMs: 400,
    // GNS has no consent: its connection notices by its own pings (gns `TimeoutConnected`).
    consentMs: Number.POSITIVE_INFINITY,
  }),
});

/** @throws NetError `OPTIONS_INVALID`, naming the timing and what it accepts. */
export function resolveIceTimings(
  dialect: IceDialect,
  timings: Partial<IceTimings> = {},
): IceTimings {
  const resolved = { ...iceTimings[dialect], ...timings };
  for (const [name, value] of Object.entries(resolved)) {
    if (!(value > 0)) {
      throw new NetError('OPTIONS_INVALID', `${name} must be a positive number, got ${value}`);
    }
  }
  return resolved;
}
