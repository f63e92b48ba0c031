import type { IceCredentials } from './credentials.ts';

/** The credentials of one run of ICE; a restart begins another (RFC 8445 §9). */
export interface Generation {
  readonly local: IceCredentials;
  /** `undefined` until signaling brings them. */
  remote: IceCredentials | undefined;
}
