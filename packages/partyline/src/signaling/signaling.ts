import type { Emitter } from '../base/index.ts';

/** Stable for one lobby; 32 bits, given by the server. */
export type MemberId = number;

/** A signal is a best-effort datagram of at most this many bytes. */
export const MAX_SIGNAL_BYTES: number = 16 * 1024;

export type SignalingEvents = {
  /**
   * Lossy, duplicating, reordering: no delivery is assumed. `from` is stamped by the server; a lobby
   * lets out only what that member signed for this epoch (signed-signal.ts).
   */
  signal: { readonly from: MemberId; readonly payload: Uint8Array };
};

/**
 * A side channel between members, as GNS's `ISteamNetworkingConnectionSignaling`: small opaque
 * datagrams, best effort.
 */
export interface Signaling {
  readonly events: Pick<Emitter<SignalingEvents>, 'on'>;
  /**
   * Never blocks and never fails for the network's reasons.
   * @throws NetError `SIGNAL_REFUSED` when over `MAX_SIGNAL_PAYLOAD_BYTES`.
   */
  send(to: MemberId, payload: Uint8Array): void;
}
