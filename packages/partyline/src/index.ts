export {
  isNetError,
  type Logger,
  NetError,
  type NetErrorCode,
  netErrorCodes,
  type Scheduler,
  silentLogger,
} from './base/index.ts';
export type {
  CallSettings,
  ConnectOptions,
  CreateLobbyOptions,
  DataPatch,
  JoinLobbyOptions,
  JoinTarget,
  KeyStore,
  LeaveCause,
  ListFilter,
  ListLobbiesOptions,
  Lobbies,
  Lobby,
  LobbyCloseCode,
  LobbyEvents,
  LobbyMember,
  LobbySettings,
  LobbySummary,
  LobbyType,
  Session,
  SessionEvents,
  SessionState,
  SessionStats,
} from './client/index.ts';
// Whatever the game side offers, this door offers.
export * from './multiplayer/index.ts';
export {
  createMesh,
  LoopbackHub,
  LoopbackMesh,
  type LoopbackOptions,
  type MeshPeer,
  type Wire,
  type WireHandlers,
} from './peers/index.ts';
