import { lobbyMethods, lobbyNotifications } from './lobby.ts';
import { sessionMethods, sessionNotifications } from './session.ts';

export {
  errorObject,
  jsonRpcErrorNumbers,
  requestEnvelope,
  type ServerErrorCode,
  serverErrorCodes,
} from './errors.ts';
export { codeAlphabet, limits, type RateLimitName, rateLimits } from './limits.ts';
export * from './lobby.ts';
export * from './session.ts';
export * from './values.ts';

/** WebSocket subprotocol of the control socket `/v1`. */
export const CONTROL_SUBPROTOCOL = 'partyline.v1';
/** First subprotocol of the relay socket `/v1/relay`; the second is the ticket. */
export const RELAY_SUBPROTOCOL = 'partyline.relay.v1';

/** Every request: name → schema of `params` and `result`. */
export const methods = { ...sessionMethods, ...lobbyMethods } as const;
/** Every server-to-client notification: name → schema of `params`. */
export const notifications = { ...sessionNotifications, ...lobbyNotifications } as const;

export type MethodName = keyof typeof methods;
export type NotificationName = keyof typeof notifications;
