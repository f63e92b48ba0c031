export type { ClientSocket, RelayPort } from './allocation.ts';
export type { TurnEvent } from './allocations.ts';
export { parseCidr } from './cidr.ts';
export {
  type PortRange,
  type RelayAddress,
  type ShareKind,
  type TurnAccount,
  type TurnLimits,
  type TurnServerOptions,
  turnLimitDefaults,
} from './options.ts';
export { deniedAlways, deniedByDefault } from './peer-policy.ts';
export { TO_SIBLING, type TurnTransmit } from './transmits.ts';
export { TurnServer, type TurnUsage } from './turn-server.ts';
export type { TurnStats } from './turn-stats.ts';
