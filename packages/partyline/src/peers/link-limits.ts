/** What a {@link Link} holds and how long it waits; docs/limits.md is made from here. */
export interface LinkLimits {
  /** Largest message, as Steam's `k_cbMaxSteamNetworkingSocketsMessageSizeSend`. */
  readonly maxMessageBytes: number;
  /** Reliable bytes queued or unacknowledged; over it `send` throws `PEER_BUFFER_FULL`. */
  readonly reliableBytes: number;
  /** Unreliable bytes that wait for a full wire; the oldest packet goes first. */
  readonly unreliableBytes: number;
  /** Unreliable messages of which some fragments are missing; the oldest goes first. */
  readonly incompleteMessages: number;
  /** Shortest fragment but the last of its message, in bytes; ours fill their packet. Bounds what a hostile sender can scatter. */
  readonly minFragmentBytes: number;
  /** Between two pings while messages pass or one is unanswered, in milliseconds. */
  readonly pingIntervalMs: number;
  /** No message either way for so long: the link is at rest, in milliseconds. */
  readonly restAfterMs: number;
  /** Between two pings of a link at rest, in milliseconds; one side's do for both. Well under the 30 s that a NAT keeps a binding. */
  readonly restPingIntervalMs: number;
  /** Silence after which the other side is gone, in milliseconds; GNS's TimeoutConnected. At rest it counts from one ping interval before the first unanswered ping. */
  readonly timeoutMs: number;
  /** Pings that must also have gone unanswered: a throttled tab sends none and so cannot time out anybody. */
  readonly timeoutPings: number;
  /** How long `close` waits until the reason is acknowledged, in milliseconds. */
  readonly lingerMs: number;
  /** Longest delay of an acknowledgement, in milliseconds. */
  readonly ackDelayMs: number;
  /** Reliable packets after which an acknowledgement is not delayed. */
  readonly ackPackets: number;
  /** Reliable packets unacknowledged for so long are sent again on the same wire, in milliseconds. */
  readonly resendAfterMs: number;
  /** Shortest time between two repetitions that the other side asks for, in milliseconds. */
  readonly resendSpacingMs: number;
}

export const linkLimits: LinkLimits = Object.freeze({
  maxMessageBytes: 512 * 1024,
  reliableBytes: 4 * 1024 * 1024,
  unreliableBytes: 64 * 1024,
  incompleteMessages: 4,
  minFragmentBytes: 512,
  pingIntervalMs: 1000,
  restAfterMs: 5000,
  restPingIntervalMs: 10_000,
  timeoutMs: 10_000,
  timeoutPings: 4,
  lingerMs: 1000,
  ackDelayMs: 20,
  ackPackets: 16,
  resendAfterMs: 3000,
  resendSpacingMs: 250,
});
