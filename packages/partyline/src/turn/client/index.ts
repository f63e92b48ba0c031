export { allocateTurn } from './allocate.ts';
export { TurnAllocation, type TurnAllocationStats } from './allocation.ts';
export type {
  TurnCarrier,
  TurnCarrierFactory,
  TurnCarrierHandlers,
  TurnServerAddress,
} from './carrier.ts';
export {
  type TurnAllocationHandlers,
  type TurnClientLimits,
  type TurnClientOptions,
  turnClientLimitDefaults,
} from './options.ts';
export { parseTurnUrl, type TurnEndpoint, type TurnTransport } from './turn-url.ts';
export {
  type TurnWebSocket,
  type TurnWebSockets,
  webSocketTurnCarriers,
} from './web-socket-carriers.ts';
