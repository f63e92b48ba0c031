export { type AddressKind, type AddressTable, type UdpAddress, udpAddresses } from './address.ts';
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
  type EndpointCounts,
  type EndpointOptions,
  type EndpointSetup,
  endpointDefaults,
} from './endpoint-options.ts';
export type { GnsEvent } from './event-queue.ts';
export { type FakeConditions, FakeLink, fakeDefaults } from './fake-link.ts';
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
  type ResolvedGnsOptions,
  resolveGnsOptions,
} from './options.ts';
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
