export {
  type AuthCallback,
  Multiplayer,
  type MultiplayerEvents,
  type MultiplayerOptions,
  type MultiplayerStats,
} from './multiplayer.ts';
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
export {
  type Rpc,
  type RpcArguments,
  type RpcConfig,
  type RpcContext,
  type RpcDefinitions,
  type RpcHandler,
  type RpcMode,
  type RpcOf,
  rpc,
  rpcDefaults,
  rpcSchema,
  type SendableArguments,
} from './rpc.ts';
export type { RpcObject } from './rpc-object.ts';
export { MAX_VALUE_DEPTH, type Sendable } from './rpc-values.ts';
export { MAX_RPC_ARGUMENTS, MAX_RPCS } from './rpc-wire.ts';
