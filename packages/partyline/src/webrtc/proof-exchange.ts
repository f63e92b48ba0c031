import { type Cancel, NetError, type Scheduler } from '../base/index.ts';
import type { Attempt } from './attempt.ts';
import {
  type AttemptRecord,
  encodeProof,
  PROOF_BYTES,
  verifyProof,
  type WebRtcContext,
} from './proof.ts';
import { isZero } from './routing.ts';

/** The two primitives a session needs; `Crypto` fits. */
export interface WebRtcCrypto {
  randomBytes(length: number): Uint8Array;
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

export interface ProofExchangeOptions {
  readonly context: WebRtcContext;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  readonly crypto: WebRtcCrypto;
  readonly scheduler: Scheduler;
  readonly proofMs: number;
  readonly handlers: {
    onVerified(): void;
    onRefused(error: NetError): void;
  };
}

/** Who is it? Asked and answered once per attempt, over the reliable data channel (docs/adr/0025). */
export class ProofExchange {
  readonly #options: ProofExchangeOptions;
  #attempt: Attempt | undefined;
  /** Theirs may come while our second data channel is still opening. */
  #held: Uint8Array | undefined;
  #cancelTimer: Cancel | undefined;

  constructor(options: ProofExchangeOptions) {
    this.#options = options;
  }

  /** Both data channels are open: says who we are, and waits for them to do the same. */
  begin(attempt: Attempt): void {
    const { context, sign, scheduler, proofMs } = this.#options;
    const record = recordOf(attempt);
    if (!record) {
      this.#refuse('is unknown');
      return;
    }
    this.#attempt = attempt;
    this.#cancelTimer = scheduler.after(proofMs, () => {
      this.#refuse('sent no proof of its identity in time');
    });
    attempt.channels.send(encodeProof(context, record, sign), true);
    const held = this.#held;
    if (held) this.take(held);
  }

  /** A reliable message of an attempt that is not verified: it must be the proof. */
  take(bytes: Uint8Array): void {
    if (this.#attempt) this.#verify(this.#attempt, bytes);
    else if (this.#held) this.#refuse('spoke before it was known');
    else this.#held = bytes.slice(0, PROOF_BYTES + 1);
  }

  /** Forgets the attempt; the next one begins anew. */
  reset(): void {
    this.#cancelTimer?.();
    this.#attempt = undefined;
    this.#held = undefined;
  }

  #verify(attempt: Attempt, proof: Uint8Array): void {
    const { context, crypto, handlers } = this.#options;
    const record = recordOf(attempt);
    const verify = crypto.ed25519Verify.bind(crypto);
    if (!record || !verifyProof(context, record, proof, verify)) {
      this.#refuse('did not prove its identity');
      return;
    }
    this.reset();
    handlers.onVerified();
  }

  #refuse(what: string): void {
    this.#options.handlers.onRefused(new NetError('PEER_UNVERIFIED', `the other side ${what}`));
  }
}

/** From the descriptions that are really in force, not from what was signaled. */
function recordOf(attempt: Attempt): AttemptRecord | undefined {
  const facts = attempt.facts();
  if (!facts || isZero(attempt.remoteNonce)) return undefined;
  return {
    localNonce: attempt.localNonce,
    remoteNonce: attempt.remoteNonce,
    localFingerprint: facts.local.fingerprint,
    remoteFingerprint: facts.remote.fingerprint,
  };
}
