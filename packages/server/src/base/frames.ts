/** One WebSocket message that leaves whole. */
export interface Frame {
  readonly content: Uint8Array | string;
  /** Of the content, in bytes of UTF-8. */
  readonly length: number;
  readonly isBinary: boolean;
}

const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;
/** The longest header of a server's frame, which is not masked. */
const MAX_HEADER_BYTES = 10;

/** The frames as a server sends them, one behind the other: RFC 6455 §5.2, final, not masked. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  let room = 0;
  for (const { length } of frames) room += length + MAX_HEADER_BYTES;
  const bytes = Buffer.allocUnsafe(room);
  let at = 0;
  for (const { content, length, isBinary } of frames) {
    bytes[at++] = isBinary ? FIN_BINARY : FIN_TEXT;
    at = writeLength(bytes, at, length);
    if (typeof content === 'string') bytes.write(content, at, length);
    else bytes.set(content, at);
    at += length;
  }
  return bytes.subarray(0, at);
}

function writeLength(bytes: Buffer, at: number, length: number): number {
  if (length < 126) return bytes.writeUInt8(length, at);
  if (length < 65_536) return bytes.writeUInt16BE(length, bytes.writeUInt8(126, at));
  return bytes.writeBigUInt64BE(BigInt(length), bytes.writeUInt8(127, at));
}
