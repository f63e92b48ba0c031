import { isUtf8 } from 'node:buffer';
import { Opcode } from './frame-writer.ts';

/** What the server sent, whole; the bytes of `onBinary` are the handler's to keep. */
export interface FrameHandlers {
  onText(text: string): void;
  onBinary(bytes: Uint8Array): void;
  /** The payload is a view: it is to be answered at once. */
  onPing(payload: Uint8Array): void;
  /** The last one: nothing is read behind it. 1005 for a close without a code. */
  onClose(code: number, reason: string): void;
}

/** What ends a connection, with the code that says so to the other side (RFC 6455 §7.4.1). */
export class FrameError extends Error {
  readonly closeCode: 1002 | 1007 | 1009;

  constructor(closeCode: 1002 | 1007 | 1009, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}

/** A close frame without a code. */
export const NO_STATUS = 1005;
const MAX_CONTROL_BYTES = 125;

/** The client's side of RFC 6455 §5: the bytes of a stream in, whole messages out; no extensions. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #handlers: FrameHandlers;
  /** The beginning of a frame, and how many bytes it needs to be looked at again. */
  readonly #waiting = new Pieces();
  #neededBytes = 0;
  readonly #fragments = new Pieces();
  /** Of the message that is coming in fragments. */
  #fragmented: typeof Opcode.Text | typeof Opcode.Binary | undefined;
  #isClosed = false;

  /** A message over `maxBytes` is refused, before it is kept. */
  constructor(maxBytes: number, handlers: FrameHandlers) {
    this.#maxBytes = maxBytes;
    this.#handlers = handlers;
  }

  /** The chunk may be used anew afterwards: what is kept of it is copied. @throws FrameError */
  read(chunk: Buffer): void {
    // Joined once a frame, however many chunks it comes in.
    if (this.#waiting.length + chunk.length < this.#neededBytes) {
      this.#waiting.add(chunk);
      return;
    }
    const bytes = this.#waiting.takeWith(chunk);
    this.#neededBytes = 0;
    let at = 0;
    while (at < bytes.length && !this.#isClosed) {
      const length = this.#readFrame(bytes, at);
      if (length === 0) {
        this.#waiting.add(bytes.subarray(at));
        return;
      }
      at += length;
    }
  }

  /** Bytes of the frame at `at`, or 0 when it is not all there. */
  #readFrame(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (available < 2) return this.#needs(2);
    const first = bytes.readUInt8(at);
    const second = bytes.readUInt8(at + 1);
    const isFinal = (first & 0x80) !== 0;
    const opcode = first & 0x0f;
    if ((first & 0x70) !== 0) throw new FrameError(1002, 'a reserved bit is set');
    if ((second & 0x80) !== 0) throw new FrameError(1002, 'a frame of the server is masked');
    const short = second & 0x7f;
    if (opcode >= Opcode.Close && (!isFinal || short > MAX_CONTROL_BYTES)) {
      throw new FrameError(1002, 'a control frame is fragmented or too long');
    }
    const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (available < headerBytes) return this.#needs(headerBytes);
    let length = short;
    if (short === 126) length = bytes.readUInt16BE(at + 2);
    else if (short === 127)
      length = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
    if (length + this.#fragments.length > this.#maxBytes) {
      throw new FrameError(1009, `a message is over ${this.#maxBytes} bytes`);
    }
    const end = headerBytes + length;
    if (available < end) return this.#needs(end);
    this.#take(opcode, isFinal, bytes.subarray(at + headerBytes, at + end));
    return end;
  }

  #needs(bytes: number): 0 {
    this.#neededBytes = bytes;
    return 0;
  }

  #take(opcode: number, isFinal: boolean, payload: Buffer): void {
    switch (opcode) {
      case Opcode.Text:
      case Opcode.Binary:
        if (this.#fragmented !== undefined) throw new FrameError(1002, 'a message inside another');
        if (isFinal) {
          this.#deliver(opcode, payload);
        } else {
          this.#fragmented = opcode;
          this.#fragments.add(payload);
        }
        break;
      case Opcode.Continuation:
        this.#continue(isFinal, payload);
        break;
      case Opcode.Close:
        this.#close(payload);
        break;
      case Opcode.Ping:
        this.#handlers.onPing(payload);
        break;
      case Opcode.Pong:
        break; // nobody here asked
      default:
        throw new FrameError(1002, `there is no opcode ${opcode}`);
    }
  }

  #continue(isFinal: boolean, payload: Buffer): void {
    const opcode = this.#fragmented;
    if (opcode === undefined) throw new FrameError(1002, 'a continuation of nothing');
    if (!isFinal) {
      this.#fragments.add(payload);
      return;
    }
    this.#fragmented = undefined;
    this.#deliver(opcode, this.#fragments.takeWith(payload));
  }

  #deliver(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.Binary) this.#handlers.onBinary(new Uint8Array(payload));
    else this.#handlers.onText(textOf(payload));
  }

  #close(payload: Buffer): void {
    this.#isClosed = true;
    if (payload.length === 0) {
      this.#handlers.onClose(NO_STATUS, '');
      return;
    }
    const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
    if (!mayClose(code)) throw new FrameError(1002, `there is no close code ${code}`);
    this.#handlers.onClose(code, textOf(payload.subarray(2)));
  }
}

/** Over so many they are joined: each costs a hundred bytes beside its content, which may be one. */
const MAX_PIECES = 1024;

/** Copies of bytes that came one after another. */
class Pieces {
  #list: Buffer[] = [];
  #length = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#list.length >= MAX_PIECES) this.#list = [Buffer.concat(this.#list)];
    this.#list.push(Buffer.from(bytes));
    this.#length += bytes.length;
  }

  /** All of them and what comes last, as one; nothing is left. */
  takeWith(last: Buffer): Buffer {
    if (this.#length === 0) return last;
    const whole = Buffer.concat([...this.#list, last]);
    this.#list = [];
    this.#length = 0;
    return whole;
  }
}

function textOf(payload: Buffer): string {
  if (!isUtf8(payload)) throw new FrameError(1007, 'a text is not UTF-8');
  return payload.toString('utf8');
}

/** RFC 6455 §7.4, and what IANA added up to 1014. */
function mayClose(code: number): boolean {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== NO_STATUS && code !== 1006;
}
