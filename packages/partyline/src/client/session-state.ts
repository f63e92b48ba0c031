import { NetError } from '../base/index.ts';

/** Where a session stands; docs/states/session.md draws it. */
export type SessionState = 'connecting' | 'open' | 'reconnecting' | 'closed';

/** Every move that may happen. */
export const sessionTransitions: Readonly<Record<SessionState, readonly SessionState[]>> =
  Object.freeze({
    connecting: ['open', 'closed'],
    open: ['reconnecting', 'closed'],
    reconnecting: ['open', 'closed'],
    closed: [],
  });

/** @throws NetError `SESSION_CLOSED`: a bug of ours, never of the server's. */
export function nextSessionState(from: SessionState, to: SessionState): SessionState {
  if (!sessionTransitions[from].includes(to)) {
    throw new NetError('SESSION_CLOSED', `a session cannot go from ${from} to ${to}`);
  }
  return to;
}
