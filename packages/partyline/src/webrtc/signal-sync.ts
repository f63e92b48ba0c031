import type { Cancel, Millis, Scheduler } from '../base/index.ts';
import { webRtcLimits } from './limits.ts';
import { encodeWebRtcSignal, NONCE_BYTES, type WebRtcSignal } from './signal.ts';

export interface SignalSyncHandlers {
  send(bytes: Uint8Array): void;
  /** Once per generation of the other side. */
  onDescription(generation: number, sdp: string): void;
  /** Once per candidate, in any order, before or after its generation's description. */
  onCandidate(generation: number, candidate: string): void;
  /** The answerer asks for a generation we have not reached. */
  onRestartWanted(generation: number): void;
  /** Everything was sent as often as allowed and nothing came back. */
  onUnanswered(): void;
}

export interface SignalSyncOptions {
  readonly scheduler: Scheduler;
  readonly localNonce: Uint8Array;
  readonly handlers: SignalSyncHandlers;
  /** Wait before the first resend, in milliseconds; doubles up to 3 s. Default 250. */
  readonly resendMs?: number;
  /** Sends without a sign of progress before giving up. Default 10: about 20 s. */
  readonly maxSends?: number;
}

const MAX_RESEND_MS = 3000;
/** Nonces, numbers and flags, and the length before a description. */
const HEAD_BYTES = 64;

/** What one side offers the other in one generation. */
interface Offering {
  generation: number;
  description: string | undefined;
  candidates: string[];
}

/**
 * Brings one side's description and candidates to the other over signals that may be lost, doubled
 * and reordered: each message is a piece of state with what was received of the other's, and what
 * stays unacknowledged is sent again. An acknowledgement alone is never answered.
 */
export class SignalSync {
  readonly #scheduler: Scheduler;
  readonly #localNonce: Uint8Array;
  readonly #handlers: SignalSyncHandlers;
  readonly #resendMs: number;
  readonly #maxSends: number;
  readonly #local: Offering = { generation: 0, description: undefined, candidates: [] };
  readonly #remote: Offering = { generation: 0, description: undefined, candidates: [] };
  #remoteNonce: Uint8Array = new Uint8Array(NONCE_BYTES);
  #isKnown = false;
  #wantedGeneration = 0;
  #descriptionSends = 0;
  #descriptionAcked = false;
  #candidatesSent = 0;
  #candidatesAcked = 0;
  /** Since the last sign of progress. */
  #sends = 0;
  #firstSentAt: Millis | undefined;
  #roundTripMs: number | undefined;
  #isFlushQueued = false;
  #isFlushFull = false;
  #cancelResend: Cancel | undefined;
  #isClosed = false;

  constructor(options: SignalSyncOptions) {
    this.#scheduler = options.scheduler;
    this.#localNonce = options.localNonce;
    this.#handlers = options.handlers;
    this.#resendMs = options.resendMs ?? 250;
    this.#maxSends = options.maxSends ?? 10;
  }

  get remoteNonce(): Uint8Array {
    return this.#remoteNonce;
  }

  /** From the first sending of a description to its acknowledgement: the round trip, or more. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  bind(remoteNonce: Uint8Array): void {
    this.#remoteNonce = remoteNonce;
  }

  /** Candidates added from now on belong to this generation; those of the last are forgotten. */
  begin(generation: number): void {
    this.#local.generation = generation;
    this.#local.description = undefined;
    this.#local.candidates = [];
    this.#descriptionSends = 0;
    this.#firstSentAt = undefined;
    this.#descriptionAcked = false;
    this.#candidatesSent = 0;
    this.#candidatesAcked = 0;
    this.#progressed();
  }

  describe(sdp: string): void {
    this.#local.description = sdp;
    this.#queueFlush();
  }

  addCandidate(candidate: string): void {
    const { candidates } = this.#local;
    const { maxCandidates, maxCandidateBytes } = webRtcLimits;
    if (candidates.length >= maxCandidates || candidate.length > maxCandidateBytes) return;
    candidates.push(candidate);
    this.#queueFlush();
  }

  /** The answerer's way to an ICE restart: asked for until an offer of that generation comes. */
  want(generation: number): void {
    this.#wantedGeneration = generation;
    this.#progressed();
    this.#queueFlush();
  }

  /** Takes a message whose nonces are known to be right. */
  handle(signal: WebRtcSignal): void {
    if (this.#isClosed) return;
    this.#takeAcknowledgements(signal);
    const isNews =
      signal.description !== undefined ||
      signal.candidates.length > 0 ||
      !signal.receiver.some((byte) => byte !== 0);
    if (signal.generation >= this.#remote.generation) this.#takeOffering(signal);
    const isWanted = signal.wantedGeneration > this.#local.generation;
    if (isWanted) this.#handlers.onRestartWanted(signal.wantedGeneration);
    if (isNews || isWanted) this.#queueFlush();
    if (!this.#hasNews()) this.#stopResending();
  }

  /** Sends what is not acknowledged once more, without waiting for the timer, and as often as at first. */
  resend(): void {
    this.#sends = 0;
    this.#isFlushFull = true;
    this.#queueFlush();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopResending();
  }

  #takeAcknowledgements(signal: WebRtcSignal): void {
    const { generation, candidates } = this.#local;
    if (!this.#isKnown && signal.receiver.some((byte) => byte !== 0)) {
      this.#isKnown = true;
      this.#progressed();
    }
    if (signal.ackedGeneration !== generation) return;
    if (signal.ackedDescription && !this.#descriptionAcked && this.#descriptionSends > 0) {
      this.#descriptionAcked = true;
      this.#roundTripMs ??= this.#scheduler.now() - (this.#firstSentAt ?? 0);
      this.#progressed();
    }
    const acked = Math.min(signal.ackedCandidates, candidates.length);
    if (acked > this.#candidatesAcked) {
      this.#candidatesAcked = acked;
      this.#progressed();
    }
  }

  #takeOffering(signal: WebRtcSignal): void {
    const remote = this.#remote;
    if (signal.generation > remote.generation) {
      remote.generation = signal.generation;
      remote.description = undefined;
      remote.candidates = [];
      this.#progressed();
    }
    const { generation } = signal;
    if (signal.description !== undefined && remote.description === undefined) {
      remote.description = signal.description;
      this.#handlers.onDescription(generation, signal.description);
    }
    for (const [offset, candidate] of signal.candidates.entries()) {
      const index = signal.firstCandidate + offset;
      if (remote.candidates[index] !== undefined) continue;
      remote.candidates[index] = candidate;
      this.#handlers.onCandidate(generation, candidate);
    }
  }

  #send(isResend: boolean): void {
    const { generation, description, candidates } = this.#local;
    const withDescription =
      description !== undefined &&
      (isResend ? !this.#descriptionAcked : this.#descriptionSends === 0);
    const first = Math.max(this.#candidatesAcked, isResend ? 0 : this.#candidatesSent);
    const sent = candidatesThatFit(candidates.slice(first), withDescription ? description : '');
    const signal: WebRtcSignal = {
      sender: this.#localNonce,
      receiver: this.#remoteNonce,
      generation,
      wantedGeneration:
        this.#wantedGeneration > this.#remote.generation ? this.#wantedGeneration : 0,
      ackedGeneration: this.#remote.generation,
      ackedDescription: this.#remote.description !== undefined,
      ackedCandidates: contiguous(this.#remote.candidates),
      description: withDescription ? description : undefined,
      firstCandidate: first,
      candidates: sent,
      bye: undefined,
    };
    if (withDescription) {
      this.#descriptionSends += 1;
      this.#firstSentAt ??= this.#scheduler.now();
    }
    this.#candidatesSent = Math.max(this.#candidatesSent, first + sent.length);
    this.#handlers.send(encodeWebRtcSignal(signal));
    this.#armResend();
    if (this.#candidatesSent < candidates.length) this.#queueFlush();
  }

  /** One message for all that changed in this turn. */
  #queueFlush(): void {
    if (this.#isFlushQueued || this.#isClosed) return;
    this.#isFlushQueued = true;
    this.#scheduler.soon(() => {
      const isFull = this.#isFlushFull;
      this.#isFlushQueued = false;
      this.#isFlushFull = false;
      if (!this.#isClosed) this.#send(isFull);
    });
  }

  /** True while the other side is not known to have everything. */
  #hasNews(): boolean {
    const { generation, description, candidates } = this.#local;
    return (
      (generation === 0 && !this.#isKnown) ||
      (description !== undefined && !this.#descriptionAcked) ||
      this.#candidatesAcked < candidates.length ||
      this.#wantedGeneration > this.#remote.generation
    );
  }

  #armResend(): void {
    if (this.#cancelResend !== undefined || !this.#hasNews()) return;
    this.#sends += 1;
    const delayMs = Math.min(MAX_RESEND_MS, this.#resendMs * 2 ** (this.#sends - 1));
    this.#cancelResend = this.#scheduler.after(delayMs, () => {
      this.#cancelResend = undefined;
      if (!this.#hasNews()) return;
      if (this.#sends >= this.#maxSends) this.#handlers.onUnanswered();
      else this.#send(true);
    });
  }

  #progressed(): void {
    this.#sends = 0;
    this.#stopResending();
    this.#armResend();
  }

  #stopResending(): void {
    this.#cancelResend?.();
    this.#cancelResend = undefined;
  }
}

function contiguous(candidates: readonly (string | undefined)[]): number {
  let count = 0;
  while (candidates[count] !== undefined) count += 1;
  return count;
}

function candidatesThatFit(candidates: readonly string[], description: string): string[] {
  let room = webRtcLimits.maxSignalBytes - HEAD_BYTES - description.length;
  const fit: string[] = [];
  for (const candidate of candidates) {
    room -= candidate.length + 2;
    if (room < 0) break;
    fit.push(candidate);
  }
  return fit;
}
