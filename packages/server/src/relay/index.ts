export { BehaviorListener, type DiscoveryAddresses } from './behavior-listener.ts';
export { RELAY_CLOSE, RelayHub, type RelayStats } from './relay-hub.ts';
export { StunListener, type StunStats } from './stun-listener.ts';
export { RelayTickets, TICKET_MS } from './tickets.ts';
