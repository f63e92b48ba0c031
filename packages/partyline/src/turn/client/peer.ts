import type { Millis } from '../../base/index.ts';
import type { StunAddress } from '../../stun/index.ts';

/** What the server lets through; drawn in docs/states/turn-peer.md. */
export type PermissionState = 'lapsed' | 'asking' | 'granted' | 'refused';

/** How a port is reached; drawn in docs/states/turn-peer.md. */
export type ChannelState = 'none' | 'asking' | 'bound' | 'lapsed' | 'refused';

/** Every move of a permission that there is. */
export const permissionMoves: Readonly<Record<PermissionState, readonly PermissionState[]>> = {
  lapsed: ['asking'],
  asking: ['granted', 'refused'],
  granted: ['lapsed', 'refused'],
  refused: ['asking'],
};

/** Every move of a channel that there is. */
export const channelMoves: Readonly<Record<ChannelState, readonly ChannelState[]>> = {
  none: ['asking', 'refused'],
  asking: ['bound', 'refused'],
  bound: ['lapsed', 'refused'],
  lapsed: ['asking'],
  refused: [],
};

/** A peer host that the server lets through: RFC 8656 §9. */
export interface Permission {
  readonly host: string;
  readonly ip: Uint8Array;
  readonly ports: Map<number, PeerPort>;
  /** Copies of what was sent before the permission was there. */
  readonly waiting: { readonly port: PeerPort; readonly bytes: Uint8Array }[];
  readonly state: PermissionState;
  /** `granted`: to be refreshed; `refused`: may be asked for again. */
  dueAtMs: Millis;
  /** Sent to since it was last granted. */
  isUsed: boolean;
}

/** A port of a peer that was sent to, and its channel: RFC 8656 §12. */
export interface PeerPort {
  readonly permission: Permission;
  /** The same object each time, so that it can be a key. */
  readonly address: StunAddress;
  /** Kept for this port as long as we know it; 0: none. */
  channel: number;
  readonly channelState: ChannelState;
  /** `bound`: to be bound anew; `lapsed`: the number is free for another peer. */
  dueAtMs: Millis;
  isUsed: boolean;
  /** Datagrams sent before a channel was asked for. */
  sent: number;
  /** It has answered: the channel will not be for nothing. */
  hasSpoken: boolean;
}

/** The one way to change it. @throws Error on a move that is not in the table: a defect of ours. */
export function movePermission(permission: Permission, to: PermissionState): void {
  const { state } = permission;
  if (state !== to && !permissionMoves[state].includes(to)) {
    throw new Error(`a permission does not go from ${state} to ${to}`);
  }
  // Read-only for everybody else.
  (permission as { state: PermissionState }).state = to;
}

/** As {@link movePermission}, of a channel. */
export function moveChannel(port: PeerPort, to: ChannelState): void {
  const { channelState } = port;
  if (channelState !== to && !channelMoves[channelState].includes(to)) {
    throw new Error(`a channel does not go from ${channelState} to ${to}`);
  }
  // Read-only for everybody else.
  (port as { channelState: ChannelState }).channelState = to;
}
