import type { Emitter } from '../base/index.ts';

export type IdentitySignalingEvents = {
  /** Lossy, duplicating, reordering. `from` is who sent it, where that is vouched for. */
  signal: { readonly from: string | undefined; readonly bytes: Uint8Array };
};

/**
 * A side channel between identities (`str:…`), as GNS's `ISteamNetworkingConnectionSignaling`: small
 * opaque datagrams, best effort. GNS P2P needs nothing more to find its peers.
 */
export interface IdentitySignaling {
  readonly events: Pick<Emitter<IdentitySignalingEvents>, 'on'>;
  /** Never blocks and never fails: what cannot be sent is lost. */
  send(to: string, bytes: Uint8Array): void;
}
