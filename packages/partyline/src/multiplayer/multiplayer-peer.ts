import type { Emitter, Scheduler } from '../base/index.ts';

/** Who a message goes to or comes from: Godot's 31-bit numbers, kept (docs/glossary.md). */
export type PeerId = number;
/** The host of a star; Godot's `TARGET_PEER_SERVER`. In a mesh of a lobby nobody has it. */
export const SERVER: PeerId = 1;
/** Godot's `TARGET_PEER_BROADCAST`. A negative target means "all but". */
export const EVERYONE: PeerId = 0;
/** Channels are 0 to this. */
export const MAX_CHANNEL = 255;

/** Godot's `TransferMode`. `unreliableOrdered` drops what is older than the newest seen on its channel. */
export type TransferMode = 'unreliable' | 'unreliableOrdered' | 'reliable';

/** Godot's `ConnectionStatus`. A host and a peer of a mesh are `connected` at once, a client when peer 1 is verified. */
export type ConnectionStatus = 'connecting' | 'connected' | 'disconnected';

/** What carries the bytes of one link at the moment. */
export type WireKind = 'loopback' | 'simulated' | 'webrtc' | 'relay' | 'gns' | 'lan';

export type MultiplayerPeerEvents = {
  /** The peer is verified; messages may flow. Exactly one per peer and connection. */
  peerConnected: { readonly id: PeerId };
  /** The last event of a peer. `reason` is what the other side gave to `close` or `disconnectPeer`, or ours. */
  peerDisconnected: { readonly id: PeerId; readonly reason: string };
  /** Ends in `disconnected` once, with the reason. */
  statusChanged: { readonly status: ConnectionStatus; readonly reason?: string };
  /** Messages are waiting: drain {@link MultiplayerPeer.receive}. Fires once per drain, not per message. */
  readable: undefined;
  /** A better or a surviving wire took over; nothing is lost or doubled. */
  wireChanged: { readonly id: PeerId; readonly wire: WireKind };
};

export interface ReceivedMessage {
  readonly from: PeerId;
  /** 0 to 255; each channel keeps its own order. */
  readonly channel: number;
  readonly mode: TransferMode;
  /** Yours to keep. */
  readonly bytes: Uint8Array;
}

export interface SendOptions {
  /** 0 to 255. Default 0. */
  readonly channel?: number;
  /** Default `reliable`. */
  readonly mode?: TransferMode;
}

/** Names equal GNS's `SteamNetConnectionRealTimeStatus_t` where GNS has one. */
export interface PeerStats {
  readonly wire: WireKind;
  /** Smoothed round trip of the link, in milliseconds; `undefined` before the first answer. */
  readonly pingMs: number | undefined;
  /** Reliable bytes queued or sent and not yet acknowledged. */
  readonly pendingReliableBytes: number;
  readonly sentMessages: number;
  readonly receivedMessages: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Packets that did not parse or broke a rule: counted and dropped. */
  readonly malformed: number;
}

/**
 * The seam between the game side and the wire side, as Godot's `MultiplayerPeer`: every wire is
 * one implementation, and all pass test/contract/multiplayer-peer-suite.ts.
 *
 * A star: clients hold one link, to the host; messages between clients are relayed by it. Or a mesh:
 * each peer holds a link to every other one.
 */
export interface MultiplayerPeer extends AsyncDisposable {
  /** 1 for the host; given by the lobby, never chosen by a client. */
  readonly id: PeerId;
  /** Godot's `is_server_relay_supported`: false in a mesh, where nobody stands between two peers. */
  readonly isServerRelaySupported: boolean;
  readonly status: ConnectionStatus;
  /** The clock this peer lives by, for what lives with it. */
  readonly scheduler: Scheduler;
  /** Connected peers, ascending; for a client the other clients too. */
  readonly peers: readonly PeerId[];
  /** Largest message `send` takes, in bytes. */
  readonly maxMessageBytes: number;
  /** Host, or peer of a mesh: refuse whoever is not connected yet. Default false. */
  refuseNewConnections: boolean;
  /**
   * Host only, without effect in a mesh: keep a new peer apart from the others until {@link introduce}: they do not hear of
   * it, and nothing is relayed from or to it. For an auth step. Default false: introduced at once.
   */
  holdIntroductions: boolean;
  readonly events: Pick<Emitter<MultiplayerPeerEvents>, 'on'>;
  /**
   * Queues; never blocks. Messages of one turn leave together.
   * @throws NetError `PEER_CLOSED`, `PEER_NOT_CONNECTED`, `PEER_UNKNOWN`, `PEER_MESSAGE_TOO_LARGE`, `PEER_BUFFER_FULL`, `OPTIONS_INVALID`
   */
  send(to: PeerId, bytes: Uint8Array, options?: SendOptions): void;
  /** The next message in arrival order, or `undefined` when drained. */
  receive(): ReceivedMessage | undefined;
  /** Bytes queued to this peer and not yet handed to the wire or acknowledged: the back-pressure signal. */
  bufferedBytes(to: PeerId): number;
  /** Host, or peer of a mesh for its own link: ends the connection of one peer; the peer is told the reason. @throws NetError `PEER_UNKNOWN` */
  disconnectPeer(id: PeerId, reason?: string): void;
  /** Host only: lets a held peer and the others know each other; harmless when they do. @throws NetError `PEER_UNKNOWN` */
  introduce(id: PeerId): void;
  /** `undefined` for peers without a link to this one (relayed by the host) or unknown ones. */
  stats(id: PeerId): PeerStats | undefined;
  /** Tells the others the reason; idempotent; settles when everything is released. */
  close(reason?: string): Promise<void>;
}
