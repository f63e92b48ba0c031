import { type Cancel, DecodeError, type Logger, NetError, silentLogger } from '../base/index.ts';
import type { WebRtcRole } from '../cert/verify/index.ts';
import { Attempt, asNetError } from './attempt.ts';
import { type CandidatePairTypes, selectedCandidateTypes } from './candidate-pair.ts';
import { webRtcLimits } from './limits.ts';
import { PathWatch } from './path-watch.ts';
import { roleOf } from './proof.ts';
import { ProofExchange } from './proof-exchange.ts';
import { attemptNonce, isZero, routeSignal } from './routing.ts';
import {
  type WebRtcSessionOptions,
  type WebRtcSessionStats,
  type WebRtcTiming,
  webRtcTiming,
} from './session-options.ts';
import { type WebRtcSessionState, webRtcSessionTransitions } from './session-state.ts';
import {
  decodeWebRtcSignal,
  encodeBye,
  INSTANCE_BYTES,
  NONCE_BYTES,
  type WebRtcSignal,
} from './signal.ts';
import { SignalSync } from './signal-sync.ts';

const MAX_LEFT_INSTANCES = 8;

/**
 * Two data channels to one other member, opened over its signals and bound to its identity: nothing
 * is announced or delivered before the other side has signed for the DTLS certificate it was met
 * with (docs/adr/0025). Structurally a `Wire` of `peers`.
 */
export class WebRtcSession {
  readonly kind = 'webrtc' as const;
  readonly maxPacketBytes: number = webRtcLimits.maxPacketBytes;
  readonly role: WebRtcRole;
  readonly #options: WebRtcSessionOptions;
  readonly #timing: Required<WebRtcTiming>;
  readonly #logger: Logger;
  readonly #instance: Uint8Array;
  readonly #path: PathWatch;
  readonly #proofs: ProofExchange;
  #state: WebRtcSessionState = 'negotiating';
  #attempt: Attempt | undefined;
  #hello: SignalSync | undefined;
  #leftInstances: Uint8Array[] = [];
  #attempts = 0;
  #malformedSignals = 0;
  #strayReplies = 0;
  #cancelOpenTimer: Cancel;

  constructor(options: WebRtcSessionOptions) {
    const { scheduler, context } = options;
    this.#options = options;
    this.#timing = { ...webRtcTiming, ...options.timing };
    this.#logger = options.logger ?? silentLogger;
    this.role = roleOf(context);
    this.#instance = options.crypto.randomBytes(INSTANCE_BYTES);
    this.#path = new PathWatch(scheduler, this.#timing, {
      onLost: () => this.#moveTo('restoring'),
      onRestored: () => this.#moveTo('open'),
      onHandshakeBroken: (reason) => this.#handshakeBroke(reason),
      onGivenUp: (reason) => this.#fail(this.#broken(reason)),
    });
    this.#proofs = new ProofExchange({
      ...options,
      proofMs: this.#timing.proofMs,
      handlers: {
        onVerified: () => this.#open(),
        onRefused: (error) => this.#fail(error),
      },
    });
    this.#cancelOpenTimer = scheduler.after(this.#timing.openMs, () =>
      this.#fail(new NetError('PEER_CONNECT_TIMEOUT', 'the data channels did not open in time')),
    );
    scheduler.soon(() => this.#begin());
  }

  get state(): WebRtcSessionState {
    return this.#state;
  }

  /** Bytes accepted and not yet handed to the network. */
  get bufferedBytes(): number {
    return this.#attempt?.channels.bufferedBytes ?? 0;
  }

  stats(): WebRtcSessionStats {
    return {
      state: this.#state,
      attempts: this.#attempts,
      iceRestarts: this.#path.restarts,
      malformedSignals: this.#malformedSignals,
    };
  }

  /** Which kinds of candidates carry the packets; `undefined` when the stack does not tell. */
  candidateTypes(): Promise<CandidatePairTypes | undefined> {
    return selectedCandidateTypes(this.#attempt?.connection);
  }

  /** False when the packet cannot be taken now: not open, full, or over {@link maxPacketBytes}. */
  send(packet: Uint8Array, reliable: boolean): boolean {
    if (this.#state !== 'open' && this.#state !== 'restoring') return false;
    return this.#attempt?.channels.send(packet, reliable) ?? false;
  }

  /** Takes one verified signal of the other member; any bytes, in any order, any number of times. */
  handleSignal(payload: Uint8Array): void {
    if (this.#state === 'closed') return;
    let signal: WebRtcSignal;
    try {
      signal = decodeWebRtcSignal(payload);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#malformedSignals += 1;
      return;
    }
    this.#route(signal);
  }

  /** Gathers and checks new paths now, for example after the network changed; open sessions only. */
  restartIce(): void {
    if (this.#attempt && (this.#state === 'open' || this.#state === 'restoring')) {
      this.#path.restart(this.#attempt);
    }
  }

  /** Tells the other side; idempotent. */
  close(reason = 'closed'): void {
    if (this.#state === 'closed') return;
    this.#release(reason);
  }

  #begin(): void {
    // A signal of the turn in which this session was made may have begun already.
    if (this.#state === 'closed' || this.#attempt) return;
    if (this.role === 'offerer') this.#tryAttempt();
    else this.#sayHello();
  }

  /** The answerer says that it is there, so that an offer sent too early is sent again at once. */
  #sayHello(): void {
    this.#hello = new SignalSync({
      scheduler: this.#options.scheduler,
      localNonce: attemptNonce(this.#instance, 0),
      handlers: {
        send: (bytes) => this.#sendSignal(bytes),
        onDescription: () => {},
        onCandidate: () => {},
        onRestartWanted: () => {},
        onUnanswered: () =>
          this.#fail(new NetError('PEER_CONNECT_TIMEOUT', 'the other side sent no offer')),
      },
    });
    this.#hello.resend();
  }

  #tryAttempt(remoteNonce?: Uint8Array): void {
    this.#endAttempt();
    this.#attempts += 1;
    if (this.#attempts > webRtcLimits.maxAttempts) {
      this.#fail(new NetError('PEER_CONNECT_FAILED', 'too many attempts to connect'));
      return;
    }
    try {
      this.#attempt = this.#createAttempt(attemptNonce(this.#instance, this.#attempts));
    } catch (error) {
      this.#fail(asNetError(error));
      return;
    }
    if (remoteNonce) this.#attempt.bind(remoteNonce);
  }

  #createAttempt(localNonce: Uint8Array): Attempt {
    const { scheduler, createPeerConnection, handlers } = this.#options;
    return new Attempt({
      role: this.role,
      localNonce,
      createPeerConnection,
      scheduler,
      logger: this.#logger,
      handlers: {
        send: (bytes) => this.#sendSignal(bytes),
        onOpen: () => this.#prove(),
        onMessage: (bytes, reliable) => this.#receive(bytes, reliable),
        onWritable: () => {
          if (this.#isOpen) handlers.onWritable();
        },
        onClosed: () => this.#channelClosed(),
        onStalled: () => this.#fail(this.#broken('a data channel stalled')),
        onStateChanged: () => {
          if (this.#attempt) this.#path.stateChanged(this.#attempt, this.#isOpen);
        },
        onUnanswered: () => this.#handleUnanswered(),
        onFailed: (error) => this.#fail(error),
      },
    });
  }

  #route(signal: WebRtcSignal): void {
    const attempt = this.#attempt;
    const route = routeSignal(
      {
        role: this.role,
        localNonce: attempt?.localNonce ?? attemptNonce(this.#instance, 0),
        remoteNonce: attempt?.remoteNonce ?? new Uint8Array(NONCE_BYTES),
        leftInstances: this.#leftInstances,
      },
      signal,
    );
    this.#logger.trace({ route }, 'signal');
    switch (route) {
      case 'bind':
        if (this.role === 'offerer') attempt?.bind(signal.sender);
        else this.#tryAttempt(signal.sender);
        this.#attempt?.handle(signal);
        return;
      case 'deliver':
        attempt?.handle(signal);
        return;
      case 'remind':
        attempt?.resend();
        return;
      case 'follow':
        if (this.#isOpen) this.#fail(this.#broken('the other side began anew'));
        else this.#tryAttempt(signal.sender);
        this.#attempt?.handle(signal);
        return;
      case 'stray':
        this.#answerStray(signal);
        return;
      case 'ended':
        this.#fail(this.#broken(`the other side gave up: ${signal.bye ?? ''}`));
        return;
      case 'replaced':
        this.#leaveRemote('the other side began anew');
        return;
      case 'ignore':
        return;
    }
  }

  /** The other side speaks to a session of ours that is gone: it must know, or it would wait. */
  #answerStray(signal: WebRtcSignal): void {
    if (this.#strayReplies >= webRtcLimits.maxStrayReplies) return;
    this.#strayReplies += 1;
    const localNonce = this.#attempt?.localNonce ?? attemptNonce(this.#instance, 0);
    this.#sendSignal(encodeBye(localNonce, signal.sender, 'this session is a new one'));
  }

  #leaveRemote(reason: string): void {
    if (this.#isOpen) {
      this.#fail(this.#broken(reason));
      return;
    }
    if (this.#attempt) this.#leftInstances.push(this.#attempt.remoteNonce);
    this.#leftInstances = this.#leftInstances.slice(-MAX_LEFT_INSTANCES);
    if (this.role === 'offerer') {
      this.#retry(reason);
    } else {
      this.#endAttempt();
      this.#sayHello();
    }
  }

  /** An open session needs no signals: the server may be gone, and the path is watched for itself. */
  #handleUnanswered(): void {
    if (this.#isOpen) return;
    this.#fail(new NetError('PEER_CONNECT_TIMEOUT', 'the other side did not answer our signals'));
  }

  #channelClosed(): void {
    const reason = 'the other side closed the data channels';
    if (this.#isOpen) this.#fail(this.#broken(reason));
    else this.#handshakeBroke(reason);
  }

  /**
   * Between two libdatachannels a handshake may stall or fail for no reason of ours (docs/adr/0027),
   * and the next works: the offerer tries again, the answerer waits for it until its own time is up.
   */
  #handshakeBroke(reason: string): void {
    if (!this.#attempt?.isBetweenLibdatachannels()) this.#fail(this.#broken(reason));
    else if (this.role === 'offerer') this.#retry(reason);
  }

  /** The offerer's second chance before opening: another peer connection, with another nonce. */
  #retry(reason: string): void {
    this.#logger.info({ reason, attempts: this.#attempts }, 'another attempt to connect');
    this.#tryAttempt();
  }

  #prove(): void {
    if (!this.#attempt) return;
    this.#moveTo('proving');
    this.#proofs.begin(this.#attempt);
  }

  #receive(bytes: Uint8Array, reliable: boolean): void {
    if (this.#isOpen) this.#options.handlers.onPacket(bytes, reliable);
    else if (reliable) this.#proofs.take(bytes);
  }

  #open(): void {
    this.#cancelOpenTimer();
    this.#path.reset();
    this.#moveTo('open');
    this.#options.handlers.onOpen();
  }

  get #isOpen(): boolean {
    return this.#state === 'open' || this.#state === 'restoring';
  }

  #moveTo(state: WebRtcSessionState): void {
    if (!webRtcSessionTransitions[this.#state].includes(state)) {
      throw new Error(`a WebRTC session cannot go from ${this.#state} to ${state}`);
    }
    this.#logger.debug({ from: this.#state, to: state }, 'webrtc session');
    this.#state = state;
  }

  #endAttempt(): void {
    this.#proofs.reset();
    this.#path.reset();
    this.#hello?.close();
    this.#attempt?.close();
    this.#attempt = undefined;
    if (this.#state === 'proving') this.#moveTo('negotiating');
  }

  #fail(error: NetError): void {
    if (this.#state === 'closed') return;
    this.#logger.info({ err: error }, 'webrtc session ended');
    this.#release(error.message);
    this.#options.handlers.onClosed(error.message, error.code);
  }

  #release(reason: string): void {
    const attempt = this.#attempt;
    if (attempt && !isZero(attempt.remoteNonce)) {
      this.#sendSignal(encodeBye(attempt.localNonce, attempt.remoteNonce, reason));
    }
    this.#cancelOpenTimer();
    this.#endAttempt();
    this.#moveTo('closed');
  }

  #broken(reason: string): NetError {
    return new NetError(this.#isOpen ? 'PEER_CLOSED' : 'PEER_CONNECT_FAILED', reason);
  }

  #sendSignal(bytes: Uint8Array): void {
    try {
      this.#options.sendSignal(bytes);
    } catch (err) {
      this.#logger.warn({ err }, 'signal not sent'); // as good as lost: it is sent again
    }
  }
}
