/** What we speak (GNS `k_nCurrentProtocolVersion`). */
export const PROTOCOL_VERSION = 13;
/** What we still understand (GNS `k_nMinRequiredProtocolVersion`). */
export const MIN_PROTOCOL_VERSION = 8;
/** Since this version the handshake counts as packet 1 of each side. */
export const HANDSHAKE_IS_PACKET_VERSION = 10;
/** Since this version a peer understands more than one lane. */
export const LANES_VERSION = 11;
/** Since this version a data packet may tell the time since the one before. */
export const TIME_SINCE_PREVIOUS_VERSION = 12;

/** First byte of a datagram that is no data packet (GNS `ESteamNetworkingUDPMsgID`). */
export const PacketType = {
  ChallengeRequest: 32,
  ChallengeReply: 33,
  ConnectRequest: 34,
  ConnectOk: 35,
  ConnectionClosed: 36,
  NoConnection: 37,
} as const;

/** Set in the first byte of data packets alone. */
export const DATA_PACKET = 0x80;
/** Lowest length of any datagram, in bytes. */
export const MIN_DATAGRAM_BYTES = 5;
/** GNS peers drop larger ones (`k_cbSteamNetworkingSocketsMaxUDPMsgLen`), in bytes. */
export const MAX_DATAGRAM_BYTES = 1300;
/** Requests that cause an answer are at least this long, so that nobody is amplified, in bytes. */
export const MIN_PADDED_BYTES = 512;
/** Header of a data packet: type, connection id, packet number. */
export const DATA_HEADER_BYTES = 7;
/** What a full packet leaves for stats beside its encrypted payload of 1248, in bytes. */
export const MAX_ENCRYPTED_BYTES = 1248;

/** A client asks again after this (GNS `k_usecConnectRetryInterval`), in ms. */
export const CONNECT_RETRY_MS = 500;
/** The closing side answers stray packets for so long (GNS `k_usecFinWaitTimeout`), in ms. */
export const FIN_WAIT_MS = 5000;
/** Largest jump of packet numbers that a connection survives. */
export const MAX_PACKET_NUMBER_JUMP = 0x4000;
/** Characters of a close's debug text. */
export const MAX_DEBUG_CHARACTERS = 127;
