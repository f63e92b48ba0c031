export {
  type ConnectionStatus,
  EVERYONE,
  MAX_CHANNEL,
  type MultiplayerPeer,
  type MultiplayerPeerEvents,
  type PeerId,
  type PeerStats,
  type ReceivedMessage,
  SERVER,
  type SendOptions,
  type TransferMode,
  type WireKind,
} from './multiplayer-peer.ts';
