import { randomBytes } from '../random.ts';

/** RFC 6455 §11.8. */
export const Opcode = {
  Continuation: 0,
  Text: 1,
  Binary: 2,
  Close: 8,
  Ping: 9,
  Pong: 10,
} as const;

const FIN = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;

/** A final frame of a client: RFC 6455 §5.2 and §5.3, masked with a fresh key. */
export function clientFrame(opcode: number, content: string | Uint8Array): Buffer {
  const isText = typeof content === 'string';
  const length = isText ? Buffer.byteLength(content) : content.length;
  const headerBytes = (length < 126 ? 2 : length < 65_536 ? 4 : 10) + MASK_BYTES;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = FIN | opcode;
  if (length < 126) {
    frame[1] = MASKED | length;
  } else if (length < 65_536) {
    frame[1] = MASKED | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = MASKED | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  if (isText) frame.write(content, headerBytes);
  else frame.set(content, headerBytes);
  mask(frame, headerBytes);
  return frame;
}

/** Masks what stands from `at` on, and puts the key in front of it. */
function mask(frame: Buffer, at: number): void {
  const key = randomBytes(MASK_BYTES);
  frame.set(key, at - MASK_BYTES);
  for (let i = at; i < frame.length; i++) {
    // Both are in range; the bitwise operators take `undefined` for what the compiler cannot see.
    frame[i] = (frame[i] ?? 0) ^ (key[(i - at) & 3] ?? 0);
  }
}
