export type { IceAgent } from './agent.ts';
export type { IceEvent, IceFailure, IceSelectedPair, IceState } from './agent-event.ts';
export type {
  IceAgentOptions,
  IceCrypto,
  IceDialect,
  IcePolicy,
  IceRole,
  IceTimings,
} from './agent-options.ts';
export type { IceCandidate, IceCandidateType, IceLocalCandidate } from './candidate.ts';
export {
  gnsIceCredentials,
  gnsUfrag,
  type IceCredentials,
  randomIceCredentials,
} from './credentials.ts';
export type { IcePool, IcePoolEvent } from './pool.ts';
export { addressKey, type IceRoute, routeKey } from './route.ts';
