import type { Millis } from '../base/index.ts';
import { MAX_ACK_DELAY_MS } from './limits.ts';

/** Once there are three samples, one newer than this replaces the newest (GNS `k_usecMinPingSampleSpacing`), in ms. */
const SAMPLE_SPACING_MS = 100;
const MAX_PING_MS = 2000;
/** Clocks of different resolution may disagree by this much. */
const SLOP_MS = 1;

/**
 * GNS's ping estimate (`PingTracker`): the mean of the two best of the last three samples, which
 * leaves out most of the delay that the machines themselves add.
 */
export class RoundTrip {
  /** Newest first; -1 for none. */
  #first = -1;
  #second = -1;
  #third = -1;
  #smoothedMs = -1;
  #sampledAt: Millis | undefined;
  #mayAddAt: Millis = Number.NEGATIVE_INFINITY;

  /** In ms; -1 while unknown. */
  get smoothedMs(): number {
    return this.#smoothedMs;
  }

  /** When the newest sample was taken; `undefined` for none. */
  get sampledAt(): Millis | undefined {
    return this.#sampledAt;
  }

  /** The worst of the samples kept, in ms; -1 for none. */
  get worstMs(): number {
    return Math.max(this.#first, this.#second, this.#third);
  }

  /** Takes a measurement; one that cannot be is ignored, as GNS does. */
  sample(now: Millis, elapsedMs: number): void {
    if (!(elapsedMs >= -SLOP_MS && elapsedMs <= MAX_PING_MS)) return;
    const pingMs = Math.max(0, elapsedMs);
    this.#sampledAt = now;
    if (this.#third >= 0 && now < this.#mayAddAt) {
      if (pingMs >= this.#first) return;
    } else {
      this.#third = this.#second;
      this.#second = this.#first;
      this.#mayAddAt = now + SAMPLE_SPACING_MS;
    }
    this.#first = pingMs;
    this.#smoothedMs = this.#smooth();
  }

  /** How long until a packet counts as lost (GNS `CalcSenderRetryTimeout`), in ms. */
  get retryMs(): number {
    return this.#smoothedMs < 0 ? 1000 : 3 * this.#smoothedMs + MAX_ACK_DELAY_MS + 10;
  }

  #smooth(): number {
    const { worstMs } = this;
    if (this.#third >= 0) return (this.#first + this.#second + this.#third - worstMs) / 2;
    return this.#second >= 0 ? Math.min(this.#first, this.#second) : this.#first;
  }
}
