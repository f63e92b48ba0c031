/** What a signal may hold, and what is kept for a connection that is being made; bytes are UTF-8. */
export const p2pLimits = {
  /** A whole signal; our server carries 16384 with its own envelope around it. */
  signalBytes: 16_000,
  /** GNS `k_cchMaxString` of an identity. */
  identityBytes: 127,
  /** One candidate attribute. */
  candidateBytes: 512,
  /** `pwd_frag`; GNS has 5, RFC 8445 §5.3 at most 256. */
  passwordBytes: 256,
  /** A debug text: GNS reads 127 characters and drops the rest. */
  debugBytes: 512,
  /** Reliable messages in one signal. */
  messagesPerSignal: 64,
  /** Reliable messages that wait for an acknowledgement; a candidate over it is not told. */
  waitingMessages: 128,
  /** ICE messages kept of a peer that is not accepted yet. */
  earlyMessages: 64,
} as const;
