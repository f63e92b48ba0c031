import type { Logger, NetErrorCode, Scheduler } from '../base/index.ts';
import type { PeerConnectionLike } from './peer-connection.ts';
import type { WebRtcContext } from './proof.ts';
import type { WebRtcCrypto } from './proof-exchange.ts';
import type { WebRtcSessionState } from './session-state.ts';

/** Calls never come from inside a call of the session's own methods, but for `handleSignal`. */
export interface WebRtcSessionHandlers {
  /** The other side is verified; packets may flow. At most once. */
  onOpen(): void;
  /** The bytes are valid during the call only. Never before {@link onOpen}. */
  onPacket(packet: Uint8Array, reliable: boolean): void;
  /** `send` may work again after it returned false. */
  onWritable(): void;
  /** Once, and nothing follows; not after our own `close`. */
  onClosed(reason: string, code: NetErrorCode): void;
}

export interface WebRtcSessionOptions {
  readonly context: WebRtcContext;
  /** Signs an envelope with our certified session key. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  readonly crypto: WebRtcCrypto;
  readonly scheduler: Scheduler;
  readonly createPeerConnection: () => PeerConnectionLike;
  /** Best effort; the payload is at most `webRtcLimits.maxSignalBytes`. */
  readonly sendSignal: (payload: Uint8Array) => void;
  readonly handlers: WebRtcSessionHandlers;
  readonly timing?: WebRtcTiming;
  /** Default: no logs. */
  readonly logger?: Logger;
}

/** All in milliseconds. */
export interface WebRtcTiming {
  /** From the start to the verified other side. Default 20,000. */
  readonly openMs?: number;
  /** From open data channels to the other side's proof. Default 5000. */
  readonly proofMs?: number;
  /** How long ICE may be disconnected before it is restarted. Default 3000. */
  readonly restartAfterMs?: number;
  /** How long ICE may be disconnected at all. Default 10,000. */
  readonly giveUpAfterMs?: number;
}

export interface WebRtcSessionStats {
  readonly state: WebRtcSessionState;
  /** Peer connections made; over 1 when a handshake stalled or the other side began anew. */
  readonly attempts: number;
  readonly iceRestarts: number;
  /** Signals that did not parse: counted and dropped. */
  readonly malformedSignals: number;
}

/** What is left out of {@link WebRtcTiming}. */
export const webRtcTiming: Required<WebRtcTiming> = Object.freeze({
  openMs: 20_000,
  proofMs: 5000,
  restartAfterMs: 3000,
  giveUpAfterMs: 10_000,
});
