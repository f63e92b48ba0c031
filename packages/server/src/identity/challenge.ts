import { randomBytes } from '../base/index.ts';

/** How long a nonce is good. */
export const CHALLENGE_MS = 30_000;
const NONCE_BYTES = 32;

interface OpenChallenge {
  /** `undefined`: any. The app is part of what is signed, so nothing is lost by that. */
  readonly app: string | undefined;
  readonly nonce: Uint8Array;
  readonly untilMs: number;
}

/** The nonce of one socket: given at its opening or asked for, then good for one login within 30 s. */
export class Challenge {
  #open: OpenChallenge | undefined;

  /** A new nonce; an unused one is forgotten. */
  issue(app: string | undefined, nowMs: number): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    this.#open = { app, nonce, untilMs: nowMs + CHALLENGE_MS };
    return nonce;
  }

  /** The nonce, used up by this call; `undefined` when there is none for this app, or it is too old. */
  redeem(app: string, nowMs: number): Uint8Array | undefined {
    const open = this.#open;
    this.#open = undefined;
    if (!open || nowMs >= open.untilMs) return undefined;
    return open.app === undefined || open.app === app ? open.nonce : undefined;
  }
}
