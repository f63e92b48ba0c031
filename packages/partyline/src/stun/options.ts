import { NetError } from '../base/index.ts';

/** How long a STUN client over UDP keeps trying: RFC 8489 §6.2.1. */
export interface StunTransactionOptions {
  /** Wait before the first retransmission, in milliseconds; doubles each time. Default 500. */
  initialRtoMs?: number;
  /** Requests sent in all, the first included. Default 7 (the RFC's `Rc`). */
  maxRequests?: number;
  /** Wait after the last request, in multiples of `initialRtoMs`. Default 16 (the RFC's `Rm`). */
  lastWaitFactor?: number;
}

export const stunTransactionDefaults: Required<StunTransactionOptions> = Object.freeze({
  initialRtoMs: 500,
  maxRequests: 7,
  lastWaitFactor: 16,
});

/** @throws {@link NetError} `OPTIONS_INVALID`, naming the option and what it accepts. */
export function resolveStunTransactionOptions(
  options: StunTransactionOptions = {},
): Required<StunTransactionOptions> {
  const resolved = { ...stunTransactionDefaults, ...options };
  for (const [name, value] of Object.entries(resolved)) {
    if (!Number.isFinite(value) || value <= 0) {
      throw new NetError('OPTIONS_INVALID', `${name} must be a positive number, got ${value}`);
    }
  }
  return resolved;
}

/** How long to wait after so many requests have been sent, in milliseconds: RFC 8489 §6.2.1. */
export function waitAfterRequestMs(
  requestsSent: number,
  { initialRtoMs, maxRequests, lastWaitFactor }: Required<StunTransactionOptions>,
): number {
  return initialRtoMs * (requestsSent === maxRequests ? lastWaitFactor : 2 ** (requestsSent - 1));
}
