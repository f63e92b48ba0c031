/** What a session counted since it began. */
export interface SessionStats {
  /** Smoothed round trip to the server, in milliseconds; `undefined` before the first answer. */
  readonly pingMs: number | undefined;
  readonly reconnects: number;
  readonly signalsSent: number;
  /** Not sent: no connection, a full socket, or nobody there. Signals are best effort. */
  readonly signalsDropped: number;
  readonly signalsReceived: number;
  /** Signature, epoch or sender was wrong. */
  readonly signalsRefused: number;
  /** Frames of the server that did not parse. */
  readonly malformed: number;
  /** Frames that parse and fit nothing: answers nobody waits for, notifications of a newer server, lobbies just left. */
  readonly unexpected: number;
}

/** The same, to be counted up. */
export type SessionCounts = { -readonly [K in keyof SessionStats]: SessionStats[K] };

export function newSessionCounts(): SessionCounts {
  return {
    pingMs: undefined,
    reconnects: 0,
    signalsSent: 0,
    signalsDropped: 0,
    signalsReceived: 0,
    signalsRefused: 0,
    malformed: 0,
    unexpected: 0,
  };
}
