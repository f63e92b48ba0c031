/** Always allowed on its way, in bytes: less than a kernel's receive buffer of usual size holds. */
const FLOOR_BYTES = 512 * 1024;
/** With so little on its way a round trip shows the path without our own queue, in bytes. */
const UNLOADED_BYTES = 64 * 1024;
/** Share of a newer, longer round trip that is believed at once: the machine may have slept. */
const LONGER_SHARE = 1 / 8;
/** How much of the largest step of acknowledgement is still believed one later. */
const STEP_MEMORY = 0.9;

/**
 * How much reliable data may be on its way (docs/adr/0052). A rate that the path can carry is never
 * held back: it needs one round trip's worth, and what the peer acknowledges in one step, twice. A
 * receiver that is slower than the rate is not flooded: the queue before it does not count.
 */
export class FlightWindow {
  /** -1 while unknown: then the floor is all. */
  #roundTripMs = -1;
  #stepBytes = 0;

  bytes(bytesPerSecond: number): number {
    const roundTripMs = Math.max(0, this.#roundTripMs);
    return FLOOR_BYTES + (bytesPerSecond * roundTripMs) / 1000 + 2 * this.#stepBytes;
  }

  /** An ack took `bytes` off the way. */
  acked(bytes: number): void {
    this.#stepBytes = Math.max(bytes, this.#stepBytes * STEP_MEMORY);
  }

  /** Of a packet that left when so much was on its way. */
  handleRoundTrip(roundTripMs: number, flightBytes: number): void {
    const longerMs = roundTripMs - this.#roundTripMs;
    if (this.#roundTripMs < 0 || longerMs < 0) this.#roundTripMs = Math.max(0, roundTripMs);
    else if (flightBytes <= UNLOADED_BYTES) this.#roundTripMs += longerMs * LONGER_SHARE;
  }
}
