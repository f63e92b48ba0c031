import type { Cancel, Logger, Millis, NetError, NetErrorCode, Scheduler } from '../base/index.ts';
import type { WireKind } from '../multiplayer/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { WebRtcSessionHandlers } from '../webrtc/index.ts';
import type { RelayLine } from './relay-line.ts';
import type { Wire, WireHandlers } from './wire.ts';

/** All in milliseconds. */
export interface WireTiming {
  /** How long WebRTC may take before the relay is opened beside it. Default 5000. */
  readonly relayAfterMs: number;
  /** Before WebRTC is tried again after it failed; doubles up to eight times this. Default 15,000. */
  readonly webrtcRetryMs: number;
  /** The same where there is no relay to play on meanwhile. Default 1000. */
  readonly webrtcRetryAloneMs: number;
  /** How long the relay stays after WebRTC took over. Default 2000. */
  readonly relayGraceMs: number;
  /** WebRTC is dead when it has been silent for so long and packets come by the relay: over two pings. Default 2500. */
  readonly silentMs: number;
}

export const wireTiming: WireTiming = Object.freeze({
  relayAfterMs: 5000,
  webrtcRetryMs: 15_000,
  webrtcRetryAloneMs: 1000,
  relayGraceMs: 2000,
  silentMs: 2500,
});

/** A wire that opens by signals: a `WebRtcSession`, or GNS P2P. */
export interface SignaledWire extends Wire {
  handleSignal(payload: Uint8Array): void;
}

export interface MemberWiresOptions {
  readonly member: MemberId;
  /** What both sides sign as the epoch of this link's wires. */
  readonly epoch: number;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly timing: WireTiming;
  /** Makes a session; `undefined` when one of both cannot. @throws NetError when the member has no valid certificate */
  readonly openWebRtc: ((handlers: WebRtcSessionHandlers) => SignaledWire) | undefined;
  /** What that session is: GNS between members that both have it. Default `webrtc`. */
  readonly directKind?: 'webrtc' | 'gns';
  /** `undefined` when one of both cannot. */
  readonly relay: RelayLine | undefined;
  /** Where the events of a wire go, and that it is the one to send by from now on. */
  readonly handlersFor: (wire: () => Wire | undefined) => WireHandlers | undefined;
  readonly attach: (wire: Wire) => void;
  /** The relay is being opened here: the other side should open it too. */
  readonly onRelayWanted: () => void;
  /** No way is left that could still succeed. */
  readonly onHopeless: () => void;
}

/**
 * The wires to one member: WebRTC first, the relay after five seconds without it or when it fails;
 * WebRTC takes over whenever it opens (docs/adr/0032). Only verified wires come out of here.
 */
export class MemberWires {
  readonly #options: MemberWiresOptions;
  /** What became of each way, for people. */
  readonly #evidence = new Map<WireKind, string>();
  #session: SignaledWire | undefined;
  #sessionHandlers: WireHandlers | undefined;
  #sessionHeardAt: Millis = 0;
  /** Did not prove who it is, or cannot open here: not tried again. */
  #noWebRtc: boolean;
  #noRelay: boolean;
  #relayWire: Wire | undefined;
  #wantsRelay = false;
  #retries = 0;
  #cancelRelay: Cancel | undefined;
  #cancelRetry: Cancel | undefined;
  #cancelGrace: Cancel | undefined;
  #isStopped = false;

  constructor(options: MemberWiresOptions) {
    this.#options = options;
    this.#noWebRtc = options.openWebRtc === undefined;
    this.#noRelay = options.relay === undefined;
    if (this.#noWebRtc) this.#evidence.set(this.#directKind, 'not possible for both sides');
    if (this.#noRelay) this.#evidence.set('relay', 'not possible for both sides');
  }

  /** Separate from the constructor: it may end in `onHopeless`. */
  start(): void {
    const { scheduler, timing } = this.#options;
    if (this.#noWebRtc) {
      this.wantRelay();
      return;
    }
    this.#cancelRelay = scheduler.after(timing.relayAfterMs, () => this.wantRelay());
    this.#startWebRtc();
  }

  get #directKind(): WireKind {
    return this.#options.directKind ?? 'webrtc';
  }

  /** What was tried and how it went, one line. */
  get evidence(): string {
    const trouble = this.#options.relay?.trouble;
    return [...this.#evidence]
      .map(([kind, text]) => `${kind}: ${kind === 'relay' && trouble ? trouble : text}`)
      .join('; ');
  }

  get wantsRelay(): boolean {
    return this.#wantsRelay && !this.#relayWire;
  }

  handleSignal(payload: Uint8Array): void {
    this.#session?.handleSignal(payload);
  }

  /** Opens the relay now, unless WebRTC carries the link already. */
  wantRelay(): void {
    this.#cancelRelay?.();
    if (!this.#sessionHandlers) this.#requestRelay();
  }

  /**
   * The other side has no better wire than the relay. If there is one here, it is about to open
   * there, or that side has lost it and we have not heard of it yet: what comes in will tell.
   */
  handleRelayWanted(): void {
    const { scheduler, timing } = this.#options;
    this.wantRelay();
    if (!this.#sessionHandlers || this.#isStopped) return;
    this.#requestRelay();
    this.#cancelGrace?.();
    this.#cancelGrace = scheduler.after(timing.silentMs + timing.relayGraceMs, () =>
      this.#releaseRelay(),
    );
  }

  #requestRelay(): void {
    const { relay, member, epoch, logger, onRelayWanted } = this.#options;
    if (this.#isStopped || this.#wantsRelay) return;
    if (this.#noRelay || !relay) {
      this.#checkHope();
      return;
    }
    logger.debug({ member, why: this.evidence }, 'opening the relay wire');
    this.#wantsRelay = true;
    this.#evidence.set('relay', 'the other side did not answer');
    relay.request(member, epoch, {
      onWire: (wire) => this.#useRelay(wire),
      onFailed: (error) => this.#handleRelayFailed(error),
    });
    onRelayWanted();
  }

  /** Closes every wire. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    for (const cancel of [this.#cancelRelay, this.#cancelRetry, this.#cancelGrace]) cancel?.();
    this.#session?.close();
    this.#session = undefined;
    this.#sessionHandlers = undefined;
    this.#releaseRelay();
  }

  #startWebRtc(): void {
    const { openWebRtc, member, logger, scheduler } = this.#options;
    if (this.#isStopped || this.#session || !openWebRtc) return;
    this.#evidence.set(this.#directKind, 'did not open in time');
    try {
      this.#session = openWebRtc({
        onOpen: () => this.#useWebRtc(),
        onPacket: (packet, reliable) => {
          this.#sessionHeardAt = scheduler.now();
          this.#sessionHandlers?.onPacket(packet, reliable);
        },
        onWritable: () => this.#sessionHandlers?.onWritable(),
        onClosed: (reason, code) => this.#handleWebRtcClosed(reason, code),
      });
    } catch (err) {
      logger.warn({ err, member }, 'WebRTC cannot be tried');
      this.#noWebRtc = true;
      this.#evidence.set(this.#directKind, err instanceof Error ? err.message : String(err));
      this.wantRelay();
    }
  }

  #useWebRtc(): void {
    const { handlersFor, attach, scheduler, timing } = this.#options;
    const session = this.#session;
    if (!session || this.#isStopped) return;
    this.#cancelRelay?.();
    this.#retries = 0;
    this.#sessionHeardAt = scheduler.now();
    this.#evidence.set(this.#directKind, 'open');
    this.#sessionHandlers = handlersFor(() => session);
    attach(session);
    // What the other side still sends by the relay is read until it has moved, too.
    this.#cancelGrace = scheduler.after(timing.relayGraceMs, () => this.#releaseRelay());
  }

  #handleWebRtcClosed(reason: string, code: NetErrorCode): void {
    const { logger, member, scheduler, timing } = this.#options;
    const handlers = this.#sessionHandlers;
    logger.info({ member, reason, code }, 'WebRTC ended');
    this.#evidence.set(this.#directKind, reason);
    this.#noWebRtc = code === 'PEER_UNVERIFIED';
    handlers?.onClosed(reason); // `wire` still gives the session
    this.#session = undefined;
    this.#sessionHandlers = undefined;
    if (this.#isStopped) return;
    this.#cancelGrace?.();
    if (this.#relayWire) this.#options.attach(this.#relayWire);
    else this.wantRelay();
    if (this.#noWebRtc) return;
    // Alone it must be back before the link runs out of time.
    const firstMs = this.#noRelay ? timing.webrtcRetryAloneMs : timing.webrtcRetryMs;
    const delayMs = firstMs * 2 ** Math.min(this.#retries++, 3);
    this.#cancelRetry?.();
    this.#cancelRetry = scheduler.after(delayMs, () => this.#startWebRtc());
  }

  #useRelay(wire: Wire): WireHandlers | undefined {
    const { handlersFor, attach } = this.#options;
    const handlers = handlersFor(() => wire);
    if (this.#isStopped || !handlers) return undefined;
    this.#relayWire = wire;
    this.#evidence.set('relay', 'open');
    if (!this.#sessionHandlers) attach(wire);
    return {
      ...handlers,
      onPacket: (packet, reliable) => {
        this.#checkSilence();
        handlers.onPacket(packet, reliable);
      },
      onClosed: (reason) => {
        if (this.#relayWire === wire) {
          this.#relayWire = undefined;
          this.#evidence.set('relay', reason);
        }
        handlers.onClosed(reason);
      },
    };
  }

  /** The other side sends by the relay, and nothing else comes: it does not have what we have. */
  #checkSilence(): void {
    const { scheduler, timing } = this.#options;
    const session = this.#session;
    const isSilent = scheduler.now() - this.#sessionHeardAt >= timing.silentMs;
    if (!session || !this.#sessionHandlers || !isSilent) return;
    session.close();
    this.#handleWebRtcClosed('silent, while the relay is not', 'PEER_CONNECT_FAILED');
  }

  #handleRelayFailed(error: NetError): void {
    this.#wantsRelay = false;
    this.#noRelay = true;
    this.#evidence.set('relay', error.message);
    this.#checkHope();
  }

  #releaseRelay(): void {
    if (!this.#wantsRelay) return;
    this.#wantsRelay = false;
    this.#relayWire = undefined;
    this.#options.relay?.release(this.#options.member);
  }

  /** WebRTC without the relay behind it is tried again as long as the link lives. */
  #checkHope(): void {
    if (this.#noRelay && this.#noWebRtc && !this.#isStopped) this.#options.onHopeless();
  }
}
