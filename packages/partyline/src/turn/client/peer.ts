import type { Millis } from '../../base/index.ts';
import type { StunAddress } from '../../stun/index.ts';

/**
 * asking ──success──▶ granted ──unused at its refresh──▶ lapsed ──sent to──▶ asking
 *    │                   └──refresh refused──▶ refused
 *    └──refused──▶ refused ──half a minute, then sent to──▶ asking
 */
export type PermissionState = 'asking' | 'granted' | 'refused' | 'lapsed';

/** A peer host that the server lets through: RFC 8656 §9. */
export interface Permission {
  readonly host: string;
  readonly ip: Uint8Array;
  readonly ports: Map<number, PeerPort>;
  /** Copies of what was sent before the permission was there. */
  readonly waiting: { readonly port: PeerPort; readonly bytes: Uint8Array }[];
  state: PermissionState;
  /** `granted`: to be refreshed; `refused`: may be asked for again. */
  dueAtMs: Millis;
  /** Sent to since it was last granted. */
  isUsed: boolean;
}

/**
 * none ──worth it──▶ asking ──success──▶ bound ──unused at its refresh──▶ lapsed
 *                       └──refused──▶ refused: indications for ever
 */
export type ChannelState = 'none' | 'asking' | 'bound' | 'lapsed' | 'refused';

/** A port of a peer that was sent to, and its channel: RFC 8656 §12. */
export interface PeerPort {
  readonly permission: Permission;
  /** The same object each time, so that it can be a key. */
  readonly address: StunAddress;
  /** Kept for this port as long as we know it; 0: none. */
  channel: number;
  channelState: ChannelState;
  /** `bound`: to be bound anew; `lapsed`: the number is free for another peer. */
  dueAtMs: Millis;
  isUsed: boolean;
  /** Datagrams sent before a channel was asked for. */
  sent: number;
  /** It has answered: the channel will not be for nothing. */
  hasSpoken: boolean;
}
