/** What a session takes from the other side and keeps for itself: docs/limits.md. */
export const webRtcLimits = {
  /** A session description, in bytes; browsers and node-datachannel write 500 to 2,500. */
  maxSdpBytes: 8192,
  /** One candidate line, in bytes. */
  maxCandidateBytes: 512,
  /** Candidates of one gathering; more are ignored, ours too. */
  maxCandidates: 64,
  /** One signal message, in bytes: leaves room for the signed envelope inside a 16 KiB signal. */
  maxSignalBytes: 12_288,
  /** The reason a side gives for giving up, in bytes of UTF-8. */
  maxReasonBytes: 200,
  /** Connections tried before a session fails, each with its own nonce. */
  maxAttempts: 4,
  /** ICE restarts in a session's life. */
  maxGeneration: 1000,
  /** Answers to signals that belong to no attempt of ours, in a session's life. */
  maxStrayReplies: 32,
  /** Largest packet on either channel, in bytes: with SCTP, DTLS and IPv6 headers it fits one datagram. */
  maxPacketBytes: 1000,
} as const;
