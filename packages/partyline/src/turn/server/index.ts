export type { ClientSocket, RelayPort } from './allocation.ts';
export type { TurnEvent } from './allocations.ts';
export { parseCidr } from './cidr.ts';
export {
  type RelayAddress,
  type TurnAccount,
  type TurnLimits,
  type TurnServerOptions,
  turnLimitDefaults,
} from './options.ts';
export { deniedAlways, deniedByDefault } from './peer-policy.ts';
export type { TurnTransmit } from './transmits.ts';
export { TurnServer, type TurnUsage } from './turn-server.ts';
export type { TurnStats } from './turn-stats.ts';
