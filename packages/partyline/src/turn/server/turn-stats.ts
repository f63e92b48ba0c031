/** Counts since the start: nothing in here has a user's name. */
export interface TurnStats {
  bindings: number;
  allocated: number;
  /** Packets and bytes of payload that went through, both directions. */
  relayedPackets: number;
  relayedBytes: number;
  /** Answers with an error, by code. */
  readonly refused: Map<number, number>;
  malformed: number;
  /** Requests over the rate of answers without authentication, or of bindings. */
  rateLimited: number;
  /** Packets without permission, channel or allocation. */
  unpermitted: number;
  /** Packets over a bandwidth quota. */
  overBandwidth: number;
  /** Packets over the size that leaves in one piece, with DONT-FRAGMENT. */
  tooBig: number;
}

export function newTurnStats(): TurnStats {
  return {
    bindings: 0,
    allocated: 0,
    relayedPackets: 0,
    relayedBytes: 0,
    refused: new Map(),
    malformed: 0,
    rateLimited: 0,
    unpermitted: 0,
    overBandwidth: 0,
    tooBig: 0,
  };
}
