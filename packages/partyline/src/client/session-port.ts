import type { Logger, Scheduler } from '../base/index.ts';
import type { VerifiedCert } from '../cert/verify/index.ts';
import type { Crypto } from '../crypto/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { MethodName, Params, Results } from './generated/protocol.ts';
import type { IceServer } from './ice-servers.ts';
import type { LobbyMember } from './lobby-state.ts';
import type { SessionCounts } from './session-stats.ts';

/** What every call of the public API takes. */
export interface CallSettings {
  /** Aborting rejects the call with the signal's reason; the server may have done it all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** What a lobby needs of its session. */
export interface SessionPort {
  readonly app: string;
  readonly capabilities: readonly string[];
  readonly inviteBase: string;
  readonly relayUrl: string;
  readonly stunUrls: () => readonly string[];
  /** As {@link Session.iceServers}. */
  readonly iceServers: () => Promise<readonly IceServer[]>;
  readonly crypto: Crypto;
  readonly scheduler: Scheduler;
  readonly counts: SessionCounts;
  readonly logger: Logger;
  call<M extends MethodName, T = Results[M]>(
    method: M,
    params: Params[M],
    settings?: PortCallSettings<M, T>,
  ): Promise<T>;
  sendSignal(to: MemberId, payload: Uint8Array): void;
  /** By the session key. */
  sign(bytes: Uint8Array): Uint8Array;
  /** Against the app's CA, now. @throws NetError `CERT_INVALID` */
  verifyCertOf(member: LobbyMember): VerifiedCert;
}

export interface PortCallSettings<M extends MethodName, T> extends CallSettings {
  /** Runs before any later frame of the server is looked at; its result is the call's. */
  readonly accept?: ((result: Results[M]) => T) | undefined;
  /** The answer came after the caller had given up. */
  readonly late?: ((result: Results[M]) => void) | undefined;
}
