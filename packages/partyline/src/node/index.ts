export {
  type CallSettings,
  type CreateLobbyOptions,
  type DataPatch,
  inviteLink,
  type JoinLobbyOptions,
  type JoinTarget,
  type KeyStore,
  type LeaveCause,
  type ListFilter,
  type ListLobbiesOptions,
  type Lobbies,
  type Lobby,
  type LobbyCloseCode,
  type LobbyEvents,
  type LobbyMember,
  type LobbySettings,
  type LobbySummary,
  type LobbyType,
  MemoryKeyStore,
  parseInvite,
  type Session,
  type SessionEvents,
  type SessionState,
  type SessionStats,
} from '../client/index.ts';
export type { LobbyPeer } from '../peers/index.ts';
export { type ConnectOptions, connect, startSession } from './connect.ts';
export { nodeCrypto } from './crypto.ts';
export {
  Connection,
  type ConnectionEvents,
  type ConnectionRoute,
  type ConnectionStats,
  type OutgoingMessage,
} from './gns-connection.ts';
export { globalGnsConfig } from './gns-global-config.ts';
export { ListenSocket, type ListenSocketEvents } from './gns-listen-socket.ts';
export { lobbyP2pSignaling, memberIdentity } from './gns-lobby-signaling.ts';
export {
  GnsMessages,
  type GnsMessagesEvents,
  GnsP2p,
  type GnsP2pOptions,
  type P2pDialOptions,
  P2pListenSocket,
  type P2pListenSocketEvents,
  type P2pListenSocketOptions,
} from './gns-p2p.ts';
export { type GroupMessage, PollGroup, type PollGroupEvents } from './gns-poll-group.ts';
export {
  type GnsConnectOptions,
  type GnsListenOptions,
  GnsSockets,
  type GnsSocketsOptions,
  type SocketPairOptions,
} from './gns-sockets.ts';
export type { GnsTap } from './gns-tap.ts';
export { TrivialSignaling, type TrivialSignalingOptions } from './gns-trivial-signaling.ts';
export { IceHost, type IceHostOptions } from './ice-host.ts';
export type { IceServerUrls } from './ice-relay.ts';
export { type DiscoverNatOptions, discoverNat } from './nat-discovery.ts';
export { type OpenPeerOptions, openPeer } from './open-peer.ts';
export { nodeScheduler as scheduler } from './scheduler.ts';
export { type OpenTurnOptions, openTurn } from './turn-client.ts';
export { nodeLegacyCrypto } from './turn-crypto.ts';
