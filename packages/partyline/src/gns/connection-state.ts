/**
 * GNS's states (`ESteamNetworkingConnectionState`). finWait, linger and dead are inside only: an
 * application sees `closed` for them. Drawn in docs/states/gns-connection.md, which a test compares.
 */
export type ConnectionState =
  | 'none'
  | 'connecting'
  | 'findingRoute'
  | 'connected'
  | 'closedByPeer'
  | 'problemDetectedLocally'
  | 'finWait'
  | 'linger'
  | 'dead';

/** Every move that may happen. */
export const connectionTransitions: Readonly<Record<ConnectionState, readonly ConnectionState[]>> =
  {
    none: ['connecting'],
    connecting: ['findingRoute', 'connected', 'closedByPeer', 'problemDetectedLocally', 'finWait'],
    findingRoute: ['connected', 'closedByPeer', 'problemDetectedLocally', 'finWait'],
    connected: ['closedByPeer', 'problemDetectedLocally', 'linger', 'finWait'],
    closedByPeer: ['finWait'],
    problemDetectedLocally: ['finWait'],
    linger: ['finWait'],
    finWait: ['dead'],
    dead: [],
  };

/** @throws Error for a move that the table does not have: a bug of ours, never of the peer's. */
export function nextConnectionState(from: ConnectionState, to: ConnectionState): ConnectionState {
  if (!connectionTransitions[from].includes(to)) {
    throw new Error(`a connection cannot go from ${from} to ${to}`);
  }
  return to;
}
