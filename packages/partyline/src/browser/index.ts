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
export { type OpenPeerOptions, openPeer } from './open-peer.ts';
export { browserScheduler as scheduler } from './scheduler.ts';
