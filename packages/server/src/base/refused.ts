import type { ServerErrorCode } from '@partyline/protocol';

/** The answer «no», with a reason for the player's side; the rules return it, services throw it. */
export interface Refusal {
  readonly code: ServerErrorCode;
  readonly message: string;
}

/** A request that is answered with a typed error. Carries no stack: it is an answer, not a defect. */
export class Refused extends Error implements Refusal {
  override readonly name = 'Refused';
  readonly code: ServerErrorCode;
  /** When to try again; present on `RATE_LIMITED`. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ServerErrorCode, message: string, retryAfterMs?: number) {
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0; // capturing one costs more than answering
    super(message);
    Error.stackTraceLimit = depth;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
