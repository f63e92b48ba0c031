import { DecodeError, fromUtf8, utf8 } from '../base/index.ts';

/** docs/wire/trivial-signaling.md: what a line may hold. */
export const trivialLimits: {
  readonly identityBytes: number;
  readonly signalBytes: number;
  readonly lineBytes: number;
} = Object.freeze({
  /** An identity, GNS `k_cchMaxString`. */
  identityBytes: 127,
  /** A signal before it is written as hex: GNS P2P's limit and our server's. */
  signalBytes: 16_384,
  /** A whole line with its end. */
  lineBytes: 127 + 1 + 2 * 16_384 + 1,
});

/** A signal and the other end of it: whom it goes to, or who sent it. */
export interface TrivialSignal {
  readonly identity: string;
  readonly bytes: Uint8Array;
}

const LINE_FEED = 0x0a;
const identityPattern = /^[\x21-\x7e]+$/;

/** The first line of a client: who it is. @throws DecodeError */
export function encodeTrivialGreeting(identity: string): Uint8Array {
  checkIdentity(identity);
  return utf8(`${identity}\n`);
}

/** @throws DecodeError for a name that a line cannot carry. */
export function decodeTrivialGreeting(line: Uint8Array): string {
  const identity = textOf(line).trim();
  checkIdentity(identity);
  return identity;
}

/** @throws DecodeError for a name that a line cannot carry, or a signal over the limit. */
export function encodeTrivialSignal({ identity, bytes }: TrivialSignal): Uint8Array {
  checkIdentity(identity);
  if (bytes.length > trivialLimits.signalBytes) {
    throw new DecodeError('WIRE_MALFORMED', 'signal is too long', 0);
  }
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return utf8(`${identity} ${hex}\n`);
}

/** A line without its end. @throws DecodeError */
export function decodeTrivialSignal(line: Uint8Array): TrivialSignal {
  const { identity, payload } = splitTrivialLine(line);
  return { identity, bytes: unhex(payload) };
}

/** The name at the front and the rest, which a forwarder need not understand. @throws DecodeError */
export function splitTrivialLine(line: Uint8Array): { identity: string; payload: string } {
  const text = textOf(line).replace(/\r$/, '');
  const space = text.indexOf(' ');
  if (space < 0) throw new DecodeError('WIRE_MALFORMED', 'line without a space', 0);
  const identity = text.slice(0, space);
  checkIdentity(identity);
  return { identity, payload: text.slice(space + 1).trimEnd() };
}

function checkIdentity(identity: string): void {
  if (identity.length <= trivialLimits.identityBytes && identityPattern.test(identity)) return;
  throw new DecodeError('WIRE_MALFORMED', 'identity', 0);
}

function textOf(line: Uint8Array): string {
  try {
    return fromUtf8(line);
  } catch {
    throw new DecodeError('WIRE_MALFORMED', 'line is not UTF-8', 0);
  }
}

function unhex(text: string): Uint8Array {
  const isHex = text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text);
  if (!isHex || text.length > 2 * trivialLimits.signalBytes) {
    throw new DecodeError('WIRE_MALFORMED', 'hex', 0);
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/** Cuts a stream into lines, and holds at most one that is not whole. */
export class LineSplitter {
  readonly #maxBytes: number;
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  /** `maxBytes`: longest line with its end. */
  constructor(maxBytes: number = trivialLimits.lineBytes) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, without their ends. @throws DecodeError for one over the limit. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let at = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, at)) {
      this.#keep(chunk.subarray(at, end));
      lines.push(this.#take());
      at = end + 1;
    }
    this.#keep(chunk.slice(at));
    return lines;
  }

  #keep(bytes: Uint8Array): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes >= this.#maxBytes) {
      throw new DecodeError('WIRE_MALFORMED', `line over ${this.#maxBytes} bytes`, 0);
    }
    if (bytes.length > 0) this.#rest.push(bytes);
  }

  #take(): Uint8Array {
    const line = new Uint8Array(this.#restBytes);
    let at = 0;
    for (const part of this.#rest) {
      line.set(part, at);
      at += part.length;
    }
    this.#rest = [];
    this.#restBytes = 0;
    return line;
  }
}
