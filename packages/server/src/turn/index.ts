export {
  defaultRelayPorts,
  defaultRelays,
  ownHosts,
  type RelaySettings,
  readRelaySettings,
  relayHelpText,
} from './relay-settings.ts';
export { type CredentialOwner, TurnCredentials } from './turn-credentials.ts';
export { TurnRelay, type TurnRelayOptions } from './turn-relay.ts';
