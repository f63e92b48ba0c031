/** A point on the caller's monotonic clock, in milliseconds. Never wall-clock time. */
export type Millis = number;

/** One datagram to send. */
export interface Transmit<Address> {
  readonly to: Address;
  readonly bytes: Uint8Array;
}

/**
 * A protocol with no I/O: it owns no socket, timer, clock or random source.
 *
 * The contract a driver keeps: after every call that can change the core (`handle*` and its own
 * methods), drain `pollTransmit` and `pollEvent` until both give `undefined`, then arm one timer
 * for `pollTimeout`. `now` never goes backwards.
 */
export interface Core<Address, Event> {
  handleDatagram(now: Millis, from: Address, bytes: Uint8Array): void;
  handleTimeout(now: Millis): void;
  pollTransmit(): Transmit<Address> | undefined;
  pollEvent(): Event | undefined;
  /** When `handleTimeout` is next due; `undefined` while there is nothing to wait for. */
  pollTimeout(): Millis | undefined;
}
