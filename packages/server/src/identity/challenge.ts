import { randomBytes } from '../base/index.ts';

/** How long a nonce is good. */
export const CHALLENGE_MS = 30_000;
const NONCE_BYTES = 32;

/** The nonce of one socket: asked for, then good for one login within 30 s. */
export class Challenge {
  #open: { readonly app: string; readonly nonce: Uint8Array; readonly untilMs: number } | undefined;

  /** A new nonce; an unused one is forgotten. */
  issue(app: string, nowMs: number): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    this.#open = { app, nonce, untilMs: nowMs + CHALLENGE_MS };
    return nonce;
  }

  /** The nonce, used up by this call; `undefined` when there is none for this app, or it is too old. */
  redeem(app: string, nowMs: number): Uint8Array | undefined {
    const open = this.#open;
    this.#open = undefined;
    return open && open.app === app && nowMs < open.untilMs ? open.nonce : undefined;
  }
}
