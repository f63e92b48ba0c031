export {
  type AddressKind,
  type AddressTable,
  printUdpAddress,
  type UdpAddress,
  udpAddresses,
} from './address.ts';
export { GnsConfig, type GnsConfigChanges, type GnsConfigSetup } from './config.ts';
export { type GnsConfigValue, gnsConfigValues } from './config-values.ts';
export { connectedPair, type PairSetup } from './connected-pair.ts';
export { type ConnectionSetup, GnsConnection } from './connection.ts';
export { drawConnectionId } from './connection-id.ts';
export type { StateChange } from './connection-life.ts';
export {
  type ConnectionState,
  connectionTransitions,
  nextConnectionState,
} from './connection-state.ts';
export {
  Cipher,
  type CryptInfo,
  decodeCryptInfo,
  decodeSignedCryptInfo,
  encodeCryptInfo,
  encodeSignedCryptInfo,
  type SignedCryptInfo,
} from './crypt-share.ts';
export { DatagramBatch } from './datagram-batch.ts';
export { applicationReason, EndReason } from './end-reason.ts';
export { GnsEndpoint } from './endpoint.ts';
export {
  type AskedServer,
  type EndpointConnectOptions,
  type EndpointCounts,
  type EndpointOptions,
  type EndpointSetup,
  endpointDefaults,
} from './endpoint-options.ts';
export { EventQueue, type GnsEvent } from './event-queue.ts';
export {
  type FakeConditions,
  fakeDefaults,
  fakeLimits,
  resolveFakeConditions,
} from './fake-conditions.ts';
export { FakeLink } from './fake-link.ts';
export {
  ANONYMOUS_IDENTITY,
  checkRemote,
  type GnsCrypto,
  HandshakeRefusal,
  type LocalHandshake,
  type LocalIdentity,
  makeHandshake,
  type RemoteChecks,
  type RemoteHandshake,
  selfMadeIdentity,
} from './handshake.ts';
export { deriveSessionKeys, type KeyAgreement, type SessionKeys } from './key-schedule.ts';
export { LinkStats } from './link-stats.ts';
export { Liveness } from './liveness.ts';
export * from './messages.ts';
export {
  ciphersOf,
  type GnsOptions,
  gnsDefaults,
  optionRanges,
  type ResolvedGnsOptions,
  resolveGnsOptions,
} from './options.ts';
export type { IcePath, P2pAgent, P2pIce } from './p2p/ice-path.ts';
export { p2pLimits } from './p2p/limits.ts';
export {
  decodeSessionMessage,
  encodeSessionMessage,
  type SessionMessage,
} from './p2p/message-session.ts';
export {
  MessageSessions,
  type SendToOptions,
  SessionEnd,
  type SessionState,
  type SessionsEvent,
} from './p2p/message-sessions.ts';
export { type P2pCounts, P2pEndpoint, type P2pSignal } from './p2p/p2p-endpoint.ts';
export type { P2pLink, P2pPorts } from './p2p/p2p-link.ts';
export {
  type P2pConnectOptions,
  type P2pEndpointOptions,
  type P2pListenOptions,
  type P2pSetup,
  p2pEndpointDefaults,
} from './p2p/p2p-options.ts';
export {
  decodeRendezvous,
  encodeRendezvous,
  type P2pConnectionClosed,
  type P2pConnectRequest,
  type Rendezvous,
  type SignalMessage,
} from './p2p/rendezvous.ts';
export { MAX_VIRTUAL_PORT, MESSAGES_VIRTUAL_PORT } from './p2p/virtual-port.ts';
export { PacketCipher } from './packet-cipher.ts';
export { DataHeader, dataHeaderBytes, encodeDataHeader } from './packet-header.ts';
export { PacketNumbers, type PacketVerdict } from './packet-numbers.ts';
export type { DropCounts } from './packet-receiver.ts';
export * from './protocol.ts';
export {
  decodeStats,
  encodeStats,
  type InstantaneousStats,
  type LifetimeStats,
  StatsFlag,
  type StatsMessage,
} from './stats-message.ts';
