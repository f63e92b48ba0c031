import { ByteReader, ByteWriter, DecodeError, fromUtf8, NetError, utf8 } from '../base/index.ts';
import { webRtcLimits } from './limits.ts';

/** docs/wire/webrtc-signal.md: the first byte of every message. */
export const SIGNAL_VERSION = 1;
export const INSTANCE_BYTES = 12;
/** An attempt's nonce: the session's 12 random bytes and the attempt's number, u32be. */
export const NONCE_BYTES: number = INSTANCE_BYTES + 4;

const FLAG_DESCRIPTION = 1;
const FLAG_HAS_DESCRIPTION = 2;
const FLAG_BYE = 4;

/**
 * One side's whole state, as far as the other is not known to have it. A later message replaces an
 * earlier one, so that loss, duplication and reordering need no repair but sending again.
 */
export interface WebRtcSignal {
  readonly sender: Uint8Array;
  /** All zero as long as the sender knows no attempt of the receiver. */
  readonly receiver: Uint8Array;
  /** Which negotiation the description and the candidates belong to; 0 before the first. */
  readonly generation: number;
  /** The lowest generation that the sender, an answerer, asks for; 0 for none. */
  readonly wantedGeneration: number;
  /** The receiver's generation that the two acknowledgements below speak of. */
  readonly ackedGeneration: number;
  readonly ackedDescription: boolean;
  /** So many of the receiver's candidates arrived without a gap. */
  readonly ackedCandidates: number;
  /** An offer from the offerer, an answer from the answerer; left out once acknowledged. */
  readonly description: string | undefined;
  readonly firstCandidate: number;
  readonly candidates: readonly string[];
  /** The sender gave up this attempt, and why. Nothing follows. */
  readonly bye: string | undefined;
}

/** @throws NetError `SIGNAL_REFUSED` when it would be over the limits that the decoder keeps. */
export function encodeWebRtcSignal(signal: WebRtcSignal): Uint8Array {
  const flags =
    (signal.description === undefined ? 0 : FLAG_DESCRIPTION) |
    (signal.ackedDescription ? FLAG_HAS_DESCRIPTION : 0) |
    (signal.bye === undefined ? 0 : FLAG_BYE);
  const writer = new ByteWriter(1024)
    .u8(SIGNAL_VERSION)
    .u8(flags)
    .bytes(signal.sender)
    .bytes(signal.receiver)
    .u16be(signal.generation)
    .u16be(signal.wantedGeneration)
    .u16be(signal.ackedGeneration)
    .u8(signal.ackedCandidates);
  if (signal.description !== undefined) text(writer, signal.description);
  writer.u8(signal.firstCandidate).u8(signal.candidates.length);
  for (const candidate of signal.candidates) text(writer, candidate);
  if (signal.bye !== undefined) text(writer, signal.bye);
  const bytes = writer.finish();
  if (bytes.length > webRtcLimits.maxSignalBytes) {
    throw new NetError('SIGNAL_REFUSED', `a WebRTC signal of ${bytes.length} bytes is too long`);
  }
  return bytes;
}

/** Says that the sender gave up; a reason over its limit is cut. */
export function encodeBye(sender: Uint8Array, receiver: Uint8Array, reason: string): Uint8Array {
  return encodeWebRtcSignal({
    sender,
    receiver,
    generation: 0,
    wantedGeneration: 0,
    ackedGeneration: 0,
    ackedDescription: false,
    ackedCandidates: 0,
    description: undefined,
    firstCandidate: 0,
    candidates: [],
    bye: shortened(reason),
  });
}

/** @throws {@link DecodeError} on anything that {@link encodeWebRtcSignal} does not write. */
export function decodeWebRtcSignal(bytes: Uint8Array): WebRtcSignal {
  const { maxSignalBytes, maxSdpBytes, maxReasonBytes } = webRtcLimits;
  const reader = new ByteReader(bytes);
  if (bytes.length > maxSignalBytes) throw malformed('signal length', reader);
  if (reader.u8('version') !== SIGNAL_VERSION) throw malformed('version', reader);
  const flags = reader.u8('flags');
  if (flags > (FLAG_DESCRIPTION | FLAG_HAS_DESCRIPTION | FLAG_BYE))
    throw malformed('flags', reader);
  const head = {
    sender: reader.bytes(NONCE_BYTES, 'sender').slice(),
    receiver: reader.bytes(NONCE_BYTES, 'receiver').slice(),
    generation: generation(reader, 'generation'),
    wantedGeneration: generation(reader, 'wanted generation'),
    ackedGeneration: generation(reader, 'acknowledged generation'),
    ackedDescription: (flags & FLAG_HAS_DESCRIPTION) !== 0,
    ackedCandidates: candidateCount(reader, 'acknowledged candidates'),
  };
  const description =
    flags & FLAG_DESCRIPTION ? readText(reader, maxSdpBytes, 'description') : undefined;
  const { firstCandidate, candidates } = readCandidates(reader);
  const bye = flags & FLAG_BYE ? readText(reader, maxReasonBytes, 'reason') : undefined;
  if (reader.remaining > 0) throw malformed('end', reader);
  return { ...head, description, firstCandidate, candidates, bye };
}

/** Cut between characters, so that it stays UTF-8 within the limit. */
function shortened(reason: string): string {
  let text = reason.slice(0, webRtcLimits.maxReasonBytes);
  while (utf8(text).length > webRtcLimits.maxReasonBytes) text = text.slice(0, -1);
  return text;
}

function readCandidates(reader: ByteReader): { firstCandidate: number; candidates: string[] } {
  const { maxCandidates, maxCandidateBytes } = webRtcLimits;
  const firstCandidate = candidateCount(reader, 'first candidate');
  const count = candidateCount(reader, 'candidate count');
  if (firstCandidate + count > maxCandidates) throw malformed('candidate count', reader);
  const candidates: string[] = [];
  while (candidates.length < count) {
    candidates.push(readText(reader, maxCandidateBytes, 'candidate'));
  }
  return { firstCandidate, candidates };
}

function candidateCount(reader: ByteReader, what: string): number {
  const value = reader.u8(what);
  if (value > webRtcLimits.maxCandidates) throw malformed(what, reader);
  return value;
}

function generation(reader: ByteReader, what: string): number {
  const value = reader.u16be(what);
  if (value > webRtcLimits.maxGeneration) throw malformed(what, reader);
  return value;
}

function text(writer: ByteWriter, value: string): void {
  const bytes = utf8(value);
  writer.u16be(bytes.length).bytes(bytes);
}

function readText(reader: ByteReader, maxBytes: number, what: string): string {
  const length = reader.u16be(what);
  if (length > maxBytes) throw malformed(what, reader);
  const bytes = reader.bytes(length, what);
  try {
    return fromUtf8(bytes);
  } catch {
    throw malformed(what, reader);
  }
}

function malformed(what: string, reader: ByteReader): DecodeError {
  return new DecodeError('WIRE_MALFORMED', `webrtc ${what}`, reader.offset);
}
