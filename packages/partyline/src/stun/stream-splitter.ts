import { ByteReader } from '../base/index.ts';
import { HEADER_BYTES } from './message.ts';

/** How long the frame is that begins with these four bytes, in bytes; `undefined`: no frame begins so. */
export type FrameLength = (type: number, length: number) => number | undefined;

/** RFC 8489 §6.2.2: on a stream a message says by its header where the next one begins. */
export const stunFrameLength: FrameLength = (type, length) =>
  type <= 0x3fff && length % 4 === 0 ? HEADER_BYTES + length : undefined;

/** What tells one frame's length: STUN's type and length, and ChannelData's number and length. */
const PREFIX_BYTES = 4;

/**
 * Cuts a stream into frames. Keeps at most one frame that is not complete; a frame that came in one
 * piece is given as a view into it, so the receiver copies what it keeps.
 */
export class StreamSplitter {
  readonly #frameLength: FrameLength;
  readonly #maxFrameBytes: number;
  #rest: Uint8Array = new Uint8Array();

  constructor(frameLength: FrameLength, maxFrameBytes: number) {
    this.#frameLength = frameLength;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes that wait for the rest of their frame. */
  get bufferedBytes(): number {
    return this.#rest.length;
  }

  /** False when the stream does not make sense (any more): it cannot be read on, close it. */
  split(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): boolean {
    const bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk);
    let at = 0;
    while (bytes.length - at >= PREFIX_BYTES) {
      const prefix = new ByteReader(bytes.subarray(at, at + PREFIX_BYTES));
      const length = this.#frameLength(prefix.u16be(), prefix.u16be());
      if (length === undefined || length > this.#maxFrameBytes) return false;
      if (bytes.length - at < length) break;
      onFrame(bytes.subarray(at, at + length));
      at += length;
    }
    this.#rest = bytes.slice(at);
    return true;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
