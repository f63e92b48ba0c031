import { type Logger, NetError, type Scheduler } from '../base/index.ts';
import type { WebRtcRole } from '../cert/verify/index.ts';
import { ChannelPair, type ChannelPairHandlers } from './channel-pair.ts';
import { webRtcLimits } from './limits.ts';
import type { CandidateEvent, PeerConnectionLike } from './peer-connection.ts';
import { readSdp, type SdpFacts, withoutCandidates } from './sdp.ts';
import type { WebRtcSignal } from './signal.ts';
import { SignalSync } from './signal-sync.ts';

export interface AttemptHandlers extends ChannelPairHandlers {
  send(signal: Uint8Array): void;
  /** `connectionState` or `iceConnectionState` changed. */
  onStateChanged(): void;
  /** Our signals were sent as often as allowed, and nothing came back. */
  onUnanswered(): void;
  onFailed(error: NetError): void;
}

export interface AttemptOptions {
  readonly role: WebRtcRole;
  readonly localNonce: Uint8Array;
  readonly createPeerConnection: () => PeerConnectionLike;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly handlers: AttemptHandlers;
}

/** One line, and no way to slip in a second attribute: stacks copy it into their description. */
const CANDIDATE = /^candidate:(?!.*fingerprint)[\x20-\x7e]+$/i;

/**
 * One peer connection with its two data channels, from the first offer to its end, ICE restarts
 * included. Descriptions are checked before they are applied and applied one after another;
 * candidates wait for the description of their generation and then go straight in.
 */
export class Attempt {
  readonly connection: PeerConnectionLike;
  readonly channels: ChannelPair;
  readonly localNonce: Uint8Array;
  readonly #role: WebRtcRole;
  readonly #logger: Logger;
  readonly #handlers: AttemptHandlers;
  readonly #sync: SignalSync;
  #generation = 0;
  #appliedGeneration = 0;
  #waitingCandidates: { generation: number; candidate: string }[] = [];
  #remoteFingerprint: Uint8Array | undefined;
  #tail: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @throws NetError `PEER_CONNECT_FAILED` when the platform gives no peer connection. */
  constructor(options: AttemptOptions) {
    const { scheduler, handlers } = options;
    this.#role = options.role;
    this.localNonce = options.localNonce;
    this.#logger = options.logger;
    this.#handlers = handlers;
    this.connection = create(options.createPeerConnection);
    this.channels = new ChannelPair(this.connection, scheduler, {
      ...handlers,
      // After the answer that is being applied: a busy page may hear of its channels first.
      onOpen: () => this.#enqueue(async () => handlers.onOpen()),
    });
    this.#sync = new SignalSync({
      scheduler,
      localNonce: options.localNonce,
      handlers: {
        send: (bytes) => handlers.send(bytes),
        onDescription: (generation, sdp) => this.#enqueue(() => this.#apply(generation, sdp)),
        onCandidate: (generation, candidate) => this.#takeCandidate(generation, candidate),
        onRestartWanted: () => this.restartIce(),
        onUnanswered: () => handlers.onUnanswered(),
      },
    });
    this.connection.addEventListener('icecandidate', (event) => this.#offerCandidate(event));
    const changed = (): void => {
      if (!this.#isClosed) handlers.onStateChanged();
    };
    this.connection.addEventListener('connectionstatechange', changed);
    this.connection.addEventListener('iceconnectionstatechange', changed);
    if (this.#role === 'offerer') this.#enqueue(() => this.#offer());
  }

  get remoteNonce(): Uint8Array {
    return this.#sync.remoteNonce;
  }

  /** Of the signals, at most; `undefined` before the first answer. */
  get roundTripMs(): number | undefined {
    return this.#sync.roundTripMs;
  }

  /** Of the descriptions in force; `undefined` until both are applied. */
  facts(): { readonly local: SdpFacts; readonly remote: SdpFacts } | undefined {
    const { localDescription, remoteDescription } = this.connection;
    if (localDescription === null || remoteDescription === null) return undefined;
    return {
      local: readSdp(withoutCandidates(localDescription.sdp)),
      remote: readSdp(withoutCandidates(remoteDescription.sdp)),
    };
  }

  isBetweenLibdatachannels(): boolean {
    const facts = this.facts();
    return facts?.local.isLibdatachannel === true && facts.remote.isLibdatachannel;
  }

  bind(remoteNonce: Uint8Array): void {
    this.#sync.bind(remoteNonce);
  }

  /** Takes a message for this attempt from the bound remote one. */
  handle(signal: WebRtcSignal): void {
    this.#sync.handle(signal);
  }

  /** Tells the other side again what it is not known to have. */
  resend(): void {
    this.#sync.resend();
  }

  /** Both stacks must be able to; libdatachannel is not (docs/adr/0026). */
  canRestartIce(): boolean {
    const facts = this.facts();
    return this.connection.restartIce !== undefined && facts?.remote.isLibdatachannel === false;
  }

  /** Gathers and checks anew, on the same certificate and data channels; the answerer asks for it. */
  restartIce(): void {
    const next = this.#generation + 1;
    const isNegotiating = this.#appliedGeneration < this.#generation || this.#generation === 0;
    if (next > webRtcLimits.maxGeneration || !this.canRestartIce()) return;
    if (isNegotiating)
      this.#sync.resend(); // the last one may have been given up
    else if (this.#role === 'answerer') this.#sync.want(next);
    else this.#enqueue(() => this.#offer());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sync.close();
    this.channels.close();
    this.connection.close();
  }

  async #offer(): Promise<void> {
    if (this.#appliedGeneration < this.#generation) return; // asked twice for one restart
    this.#generation += 1;
    if (this.#generation > 1) this.connection.restartIce?.();
    await this.#describe();
  }

  /** Sets and publishes our side of this generation. */
  async #describe(): Promise<void> {
    this.#sync.begin(this.#generation); // before: candidates may come first
    await this.connection.setLocalDescription();
    const sdp = this.connection.localDescription?.sdp;
    if (this.#isClosed || sdp === undefined) return;
    const bare = withoutCandidates(sdp); // they go their own way, one by one
    readSdp(bare); // what the other side would refuse must fail here, with a reason
    this.#sync.describe(bare);
  }

  async #apply(generation: number, sdp: string): Promise<void> {
    const type = this.#role === 'offerer' ? 'answer' : 'offer';
    if (generation <= this.#appliedGeneration) return;
    if (type === 'answer' && generation !== this.#generation) return;
    const { fingerprint } = readSdp(sdp);
    if (this.#remoteFingerprint?.some((byte, i) => byte !== fingerprint[i])) {
      throw new NetError('WEBRTC_SDP_REFUSED', 'the fingerprint changed in an ICE restart');
    }
    this.#remoteFingerprint = fingerprint;
    await this.connection.setRemoteDescription({ type, sdp });
    if (this.#isClosed) return;
    this.#appliedGeneration = generation;
    const waiting = this.#waitingCandidates;
    this.#waitingCandidates = waiting.filter((entry) => entry.generation > generation);
    for (const entry of waiting) this.#takeCandidate(entry.generation, entry.candidate);
    if (type === 'offer') {
      this.#generation = generation;
      await this.#describe();
    }
  }

  #takeCandidate(generation: number, candidate: string): void {
    if (this.#isClosed || generation < this.#appliedGeneration) return;
    if (!CANDIDATE.test(candidate)) return;
    if (generation > this.#appliedGeneration) {
      const { maxCandidates } = webRtcLimits;
      if (this.#waitingCandidates.length >= maxCandidates) this.#waitingCandidates.shift();
      this.#waitingCandidates.push({ generation, candidate });
      return;
    }
    // A candidate the stack cannot use (a hidden name, an unknown transport) is no reason to end.
    this.connection.addIceCandidate({ candidate, sdpMLineIndex: 0 }).catch((err: unknown) => {
      this.#logger.debug({ err }, 'candidate refused');
    });
  }

  #offerCandidate({ candidate }: CandidateEvent): void {
    if (this.#isClosed || candidate === null || candidate.candidate === '') return;
    const sdp = this.connection.localDescription?.sdp;
    const { usernameFragment } = candidate;
    const isOld = usernameFragment && sdp && !sdp.includes(`a=ice-ufrag:${usernameFragment}`);
    if (!isOld) this.#sync.addCandidate(candidate.candidate);
  }

  #enqueue(step: () => Promise<void>): void {
    this.#tail = this.#tail
      .then(() => (this.#isClosed ? undefined : step()))
      .catch((error: unknown) => this.#fail(asNetError(error)));
  }

  #fail(error: NetError): void {
    if (!this.#isClosed) this.#handlers.onFailed(error);
  }
}

function create(createPeerConnection: () => PeerConnectionLike): PeerConnectionLike {
  try {
    return createPeerConnection();
  } catch (cause) {
    throw asNetError(cause);
  }
}

export function asNetError(cause: unknown): NetError {
  // Not `isNetError`: it brings the table of all error texts into the page.
  if (cause instanceof NetError) return cause;
  return new NetError('PEER_CONNECT_FAILED', 'the WebRTC stack refused', { cause });
}
