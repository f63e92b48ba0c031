export { IceAgent } from './agent.ts';
export type { IceAgentCounts, IceEvent, IceFailure, IceSelectedPair } from './agent-event.ts';
export type {
  IceAgentOptions,
  IceCrypto,
  IceDialect,
  IcePolicy,
  IceRole,
  IceTimings,
} from './agent-options.ts';
export type { IceState } from './agent-state.ts';
export type {
  IceCandidate,
  IceCandidateType,
  IceLocalCandidate,
  IceRelayTransport,
} from './candidate.ts';
export {
  decodeCandidate,
  encodeCandidate,
  isMdnsName,
  tryDecodeCandidate,
} from './candidate-text.ts';
export {
  gnsIceCredentials,
  gnsUfrag,
  type IceCredentials,
  randomIceCredentials,
} from './credentials.ts';
export { iceLimits } from './limits.ts';
export {
  decodeMdnsAddresses,
  encodeMdnsQuery,
  MDNS_GROUP,
  MDNS_PORT,
  type MdnsAddress,
} from './mdns-message.ts';
export { IcePool, type IcePoolEvent } from './pool.ts';
export { PortMapper, type PortMapperEvent } from './port-mapper.ts';
export { PORT_MAPPING_PORT } from './port-mapping.ts';
export { addressKey, type IceRoute, routeKey } from './route.ts';
export { iceTimings } from './timings.ts';
