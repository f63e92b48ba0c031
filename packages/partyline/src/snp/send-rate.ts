import type { Millis } from '../base/index.ts';

const MIN_BYTES_PER_SECOND = 1024;
const MAX_BYTES_PER_SECOND = 100 * 1024 * 1024;
/** What may be saved up: one packet (GNS `k_flSendRateBurstOverageAllowance`), in bytes. */
const BURST_BYTES = 1248;
const WAKE_SLACK_MS = 0.025;

/**
 * GNS's token bucket (`SNP_TokenBucket_Accumulate`): sending is allowed while it is not negative.
 * Tokens over one packet are kept only while data waits, because then the caller came late.
 */
export class SendRate {
  #bytesPerSecond: number;
  #tokens = BURST_BYTES;
  #at: Millis;

  constructor(bytesPerSecond: number, now: Millis) {
    this.#bytesPerSecond = clampRate(bytesPerSecond);
    this.#at = now;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  set bytesPerSecond(value: number) {
    this.#bytesPerSecond = clampRate(value);
  }

  get maySend(): boolean {
    return this.#tokens >= 0;
  }

  accumulate(now: Millis, isWaiting: boolean): void {
    this.#tokens += ((now - this.#at) * this.#bytesPerSecond) / 1000;
    this.#at = now;
    if (!isWaiting && this.#tokens > BURST_BYTES) this.#tokens = BURST_BYTES;
  }

  spend(bytes: number): void {
    this.#tokens -= bytes;
  }

  /** The socket did not take a packet: wait a little, whatever was saved up. */
  backOff(ms: number): void {
    this.#tokens = (-ms * this.#bytesPerSecond) / 1000;
  }

  /** Until {@link SendRate.maySend}, in ms; a little more, as in GNS, so that nobody wakes too early. */
  get waitMs(): number {
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / this.#bytesPerSecond + WAKE_SLACK_MS;
  }
}

/** GNS `SNP_ClampSendRate`. */
export function clampRate(bytesPerSecond: number): number {
  return Math.min(MAX_BYTES_PER_SECOND, Math.max(MIN_BYTES_PER_SECOND, bytesPerSecond));
}
