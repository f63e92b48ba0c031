/** A packet's plaintext at the default MTU of 1300 (GNS `m_cbMaxPlaintextPayloadSend`), in bytes. */
export const MAX_PLAINTEXT_BYTES = 1232;
/** Largest reliable segment, so that a repetition fits beside acks (GNS `m_cbMaxReliableMessageSegment`). */
export const MAX_RELIABLE_SEGMENT_BYTES = 1137;
/** A larger unreliable message is sent reliably (GNS `k_cbMaxUnreliableMsgSizeSend`), in bytes. */
export const MAX_UNRELIABLE_SEND_BYTES: number = 15 * 1100;
/** Unreliable segments kept per lane while their message is incomplete (GNS `k_nMaxBufferedUnreliableSegments`). */
export const MAX_UNRELIABLE_SEGMENTS = 20;
/** Largest payload of one received packet, in bytes (GNS `k_cbSteamNetworkingSocketsMaxPlaintextPayloadRecv`). */
export const MAX_SEGMENT_BYTES = 1300;
/** End of an unreliable segment within its message, in bytes (GNS `k_cbMaxUnreliableMsgSizeRecv`). */
export const MAX_UNRELIABLE_BYTES: number = MAX_UNRELIABLE_SEGMENTS * MAX_SEGMENT_BYTES;
/** Holes of a lane's reliable stream when one more appears at its end (GNS `k_nMaxReliableStreamGaps_Extend`). */
export const MAX_STREAM_GAPS_EXTEND = 30;
/** Holes of a lane's reliable stream when one is split (GNS `k_nMaxReliableStreamGaps_Fragment`). */
export const MAX_STREAM_GAPS_SPLIT = 20;
/** Holes in the packet numbers that are remembered (GNS `k_nMaxPacketGaps`). */
export const MAX_PACKET_GAPS = 62;
/** Upper bits of one ack or nack count (GNS: "Ack count … is crazy"). */
export const MAX_ACK_COUNT_UPPER = 100_000;
/** Reliable message number over the last reliable one (GNS: "Reliable message number lurch"). */
export const MAX_MESSAGE_NUMBER_STEP = 1_000_000;
/** Reliable message number over the highest seen on its lane (same verdict). */
export const MAX_MESSAGE_NUMBER_LEAD = 10_000;
/** Lanes of a connection (GNS `STEAMNETWORKINGSOCKETS_MAX_LANES`). */
export const MAX_LANES = 255;

/** A receiver of reliable data acknowledges within this (GNS `k_usecMaxDataAckDelay`), in ms. */
export const MAX_ACK_DELAY_MS = 50;
/** How long a missing packet may be late before it is reported (GNS `k_usecNackFlush`), in ms. */
export const NACK_DELAY_MS = 3;
/** Unit of the delay in an ack frame: 32 µs, in ms. */
export const ACK_DELAY_UNIT_MS = 0.032;
/** The delay field that says "no delay given". */
export const NO_ACK_DELAY = 0xffff;
