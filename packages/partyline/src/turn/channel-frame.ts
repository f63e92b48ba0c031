import { HEADER_BYTES } from '../stun/index.ts';

/** RFC 8656 §12.4: number and length. */
export const CHANNEL_HEADER_BYTES = 4;
/** RFC 8656 §12 reserves 0x5000 and up; clients of RFC 5766 bind up to 0x7FFF, and still live. */
export const MIN_CHANNEL = 0x4000;
export const MAX_CHANNEL = 0x7fff;

/** Whether a datagram or frame is ChannelData by its first two bits: RFC 8656 §12. */
export function looksLikeChannelData(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xc0) === 0x40;
}

/** The channel of a message; 0 when it is cut. */
export function channelOf(bytes: Uint8Array): number {
  return bytes.length < CHANNEL_HEADER_BYTES ? 0 : ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
}

/**
 * What a ChannelData message carries, as a view; it may be empty. `undefined` when it is cut. What
 * follows is padding, which UDP may have too (RFC 8656 §12.5).
 */
export function channelPayload(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < CHANNEL_HEADER_BYTES) return undefined;
  const end = CHANNEL_HEADER_BYTES + (((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0));
  return end > bytes.length ? undefined : bytes.subarray(CHANNEL_HEADER_BYTES, end);
}

/** Bytes that {@link writeChannelData} needs; padded on streams only (RFC 8656 §12.5). */
export function channelDataBytes(payloadBytes: number, isPadded: boolean): number {
  const bytes = CHANNEL_HEADER_BYTES + payloadBytes;
  return isPadded ? (bytes + 3) & ~3 : bytes;
}

/** Writes a message at `at` and gives its end. Padding is written as zeros: the target is reused memory. */
export function writeChannelData(
  target: Uint8Array,
  at: number,
  channel: number,
  payload: Uint8Array,
  isPadded: boolean,
): number {
  target[at] = channel >> 8;
  target[at + 1] = channel;
  target[at + 2] = payload.length >> 8;
  target[at + 3] = payload.length;
  target.set(payload, at + CHANNEL_HEADER_BYTES);
  const end = at + channelDataBytes(payload.length, isPadded);
  target.fill(0, at + CHANNEL_HEADER_BYTES + payload.length, end);
  return end;
}

/** RFC 8656 §12.5 and RFC 8489 §6.2.2: both kinds of frame on one stream. */
export function turnFrameLength(type: number, length: number): number | undefined {
  if (type <= 0x3fff) return length % 4 === 0 ? HEADER_BYTES + length : undefined;
  return type >= MIN_CHANNEL && type <= MAX_CHANNEL ? channelDataBytes(length, true) : undefined;
}

/** The longest frame a stream can carry: a STUN message with the longest attribute. */
export const MAX_TURN_FRAME_BYTES: number = HEADER_BYTES + 0xffff;
