export { type OpenedTurn, openTurn } from './open-turn.ts';
export { describeReach } from './reach.ts';
export { RelayGroup } from './relay-group.ts';
export {
  defaultRelays,
  ownHosts,
  type RelaySettings,
  readRelaySettings,
  relayHelpText,
} from './relay-settings.ts';
export { noStats } from './relay-stats.ts';
export { allocateOnce, knocks, selfTest } from './self-test.ts';
export { sharePort } from './share-port.ts';
export { type CredentialOwner, TurnCredentials } from './turn-credentials.ts';
export { TurnRelay, type TurnRelayOptions } from './turn-relay.ts';
export { TurnService } from './turn-service.ts';
export type { RelayStats } from './worker-messages.ts';
