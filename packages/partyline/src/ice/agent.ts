import type { Core, Millis } from '../base/index.ts';
import type { IceEvent, IceFailure, IceSelectedPair, IceState } from './agent-event.ts';
import type { IceRole } from './agent-options.ts';
import type { IceCandidate } from './candidate.ts';
import type { IceCredentials } from './credentials.ts';
import type { IceRoute } from './route.ts';

/**
 * One connection's ICE. Made by {@link IcePool.openAgent}, which also gives it its datagrams,
 * candidates and time; after calling a method of it, call {@link IcePool.touch}.
 */
export interface IceAgent extends Core<IceRoute, IceEvent> {
  /** Ours, for the other side. */
  readonly credentials: IceCredentials;
  readonly role: IceRole;
  readonly state: IceState;
  readonly failure: IceFailure | undefined;
  readonly selectedPair: IceSelectedPair | undefined;
  /** Checks begin once these and a candidate are known; other ones than before are an ICE restart of the other side's. */
  setRemoteCredentials(now: Millis, credentials: IceCredentials): void;
  /** One that the other side told; false when it is refused or over the limit. A name (mDNS) is the shell's to resolve. */
  addRemoteCandidate(now: Millis, candidate: IceCandidate | string): boolean;
  /** The other side has no more (RFC 8838 §13). */
  endOfRemoteCandidates(now: Millis): void;
  /** One datagram on the selected pair, copied; false when there is none. */
  send(now: Millis, bytes: Uint8Array): boolean;
  /** RFC 8445 §9: new credentials; the selected pair is used until another one is found. */
  restart(now: Millis, credentials?: IceCredentials): void;
  /** Nothing is sent any more. */
  close(now: Millis): void;
}
