export type { BackoffOptions } from './backoff.ts';
export {
  type ClientEnvironment,
  type ConnectOptions,
  connectDefaults,
} from './connect-options.ts';
export type { ListFilter, LobbySummary, LobbyType } from './generated/protocol.ts';
export type { IceServer } from './ice-servers.ts';
export { inviteLink, type JoinTarget, parseInvite } from './invite-link.ts';
export { type KeyStore, MemoryKeyStore } from './key-store.ts';
export type {
  CreateLobbyOptions,
  JoinLobbyOptions,
  ListLobbiesOptions,
  Lobbies,
} from './lobbies.ts';
export type { DataPatch, Lobby, LobbySettings } from './lobby.ts';
export type { LobbyCloseCode, LobbyEvents } from './lobby-events.ts';
export type { LeaveCause, LobbyMember } from './lobby-state.ts';
export { Session, type SessionEvents } from './session.ts';
export type { CallSettings } from './session-port.ts';
export { type SessionState, sessionTransitions } from './session-state.ts';
export type { SessionStats } from './session-stats.ts';
export type { Socket, SocketFactory, SocketHandlers } from './socket.ts';
