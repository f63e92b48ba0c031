/**
 * Every length, count and rate that comes from outside, written once: the schemas, the server and
 * docs/limits.md read them from here. Lengths are UTF-16 units unless the name says bytes.
 */
export const limits = {
  appLength: 32,
  playerNameLength: 32,
  lobbyNameLength: 64,
  /** Steam: 250. */
  lobbyCapacity: 250,
  /** Steam: 2 by default, one regular lobby a user. */
  lobbyCapacityDefault: 8,
  lobbiesPerSession: 8,
  /** Steam: 255. */
  dataKeyLength: 255,
  /** Steam: 8192. */
  dataValueLength: 8192,
  dataKeys: 64,
  memberDataKeys: 32,
  /** All keys and values of one lobby's data together. */
  dataTotalLength: 65_536,
  /** All keys and values of one member's data together. */
  memberDataTotalLength: 4096,
  /** Players kicked from one lobby; the oldest is forgotten first. */
  bansPerLobby: 1000,
  chatLength: 2000,
  reasonLength: 200,
  listFilters: 16,
  listResults: 100,
  listResultsDefault: 50,
  capabilities: 8,
  /** A JSON-RPC text frame. */
  requestBytes: 65_536,
  /** Content of one signal frame. */
  signalBytes: 16_384,
  /** Content of one relay frame. */
  relayPacketBytes: 16_384,
  tokenLength: 4096,
  /** A code is six characters of 24. */
  codeLength: 6,
  /** With `--dev`. */
  devCodeLength: 4,
} as const;

/** 24 characters without the look-alikes 0 O, 1 I L, 2 Z, 5 S, 8 B and U. */
export const codeAlphabet = 'ACDEFGHJKMNPQRTVWXY34679';

/** Token buckets: `perSecond` refill, `burst` size. The server's configuration may override them. */
export const rateLimits = {
  /** Requests of one session. */
  request: { perSecond: 50, burst: 100 },
  /** Requests of one session that were refused for their rate; past it the socket is closed. */
  refused: { perSecond: 20, burst: 500 },
  /** `lobby.list` of one session: the one request whose cost grows with the server's lobbies. */
  list: { perSecond: 2, burst: 10 },
  /** Invite tokens of one session: each is remembered for an hour. */
  invite: { perSecond: 0.5, burst: 20 },
  /** Chat lines of one session. */
  chat: { perSecond: 2, burst: 10 },
  /** Signals of one session. */
  signal: { perSecond: 200, burst: 400 },
  /** Relay frames of one relay socket. */
  relayPackets: { perSecond: 1000, burst: 2000 },
  /** Relay bytes of one relay socket. */
  relayBytes: { perSecond: 1_048_576, burst: 2_097_152 },
  /** Lobbies created from one address (an IPv6 /64): the code of each rests for a day. */
  create: { perSecond: 2, burst: 100 },
  /** Failed joins of one address (an IPv6 /64) and app. */
  failedJoin: { perSecond: 0.2, burst: 10 },
  /** Logins of one address (an IPv6 /64). */
  login: { perSecond: 10, burst: 50 },
} as const;

export type RateLimitName = keyof typeof rateLimits;
