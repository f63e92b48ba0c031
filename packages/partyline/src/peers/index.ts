export { ClientPeer } from './client-peer.ts';
export { HostPeer, SLOW_RECEIVER_MS } from './host-peer.ts';
export { inboxLimits } from './inbox.ts';
export {
  Link,
  type LinkHandlers,
  type LinkState,
  type LinkStats,
  linkTransitions,
} from './link.ts';
export type { MessageHeader } from './link-frames.ts';
export { type LinkLimits, linkLimits } from './link-limits.ts';
export type { LinkMessage } from './link-receiver.ts';
export {
  HELLO_TIMEOUT_MS,
  LinkedPeer,
  type LinkedPeerOptions,
  type LinkOwner,
} from './linked-peer.ts';
export {
  LOBBY_PEER_TIMEOUT_MS,
  LobbyPeer,
  type LobbyPeerOptions,
} from './lobby-peer.ts';
export { LoopbackHub, LoopbackMesh, type LoopbackOptions, type OpenWirePair } from './loopback.ts';
export { type SignaledWire, type WireTiming, wireTiming } from './member-wires.ts';
export { createMesh, MeshPeer } from './mesh-peer.ts';
export type { OpenGns, PeerEnvironment, PeerLobby } from './peer-environment.ts';
export { RelayLine, type RelayLineOptions } from './relay-line.ts';
export { STAR_PROTOCOL_VERSION } from './star-messages.ts';
export type { Wire, WireHandlers } from './wire.ts';
