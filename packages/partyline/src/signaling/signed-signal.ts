import { ByteReader, ByteWriter, DecodeError, NetError } from '../base/index.ts';
import { type MemberScope, signalBytes } from '../cert/verify/index.ts';
import { MAX_SIGNAL_BYTES } from './signaling.ts';

/** docs/wire/frames.md#signed-signal: first byte of every signal's content. */
export const SIGNED_SIGNAL_VERSION = 1;
const SIGNATURE_BYTES = 64;
/** u8 version, u32be epoch, signature. */
export const SIGNED_SIGNAL_OVERHEAD_BYTES: number = 1 + 4 + SIGNATURE_BYTES;
/** What is left of a signal for its payload. */
export const MAX_SIGNAL_PAYLOAD_BYTES: number = MAX_SIGNAL_BYTES - SIGNED_SIGNAL_OVERHEAD_BYTES;

export interface SignedSignal {
  readonly epoch: number;
  readonly signature: Uint8Array;
  /** A view into the signal. Not verified yet. */
  readonly payload: Uint8Array;
}

/** Why a received signal was dropped; counted, never thrown. */
export type SignalRefusal = 'malformed' | 'otherEpoch' | 'unverified';

export type OpenedSignal =
  | { readonly payload: Uint8Array; readonly refused?: undefined }
  | { readonly payload?: undefined; readonly refused: SignalRefusal };

/**
 * Binds a payload to app, lobby, epoch, sender and receiver with the sender's session key. The
 * scope itself is not sent: the receiver knows it, and a server that lies about it is found out.
 * @throws NetError `SIGNAL_REFUSED` when over {@link MAX_SIGNAL_PAYLOAD_BYTES}.
 */
export function signSignal(
  sign: (envelope: Uint8Array) => Uint8Array,
  scope: MemberScope,
  payload: Uint8Array,
): Uint8Array {
  if (payload.length > MAX_SIGNAL_PAYLOAD_BYTES) {
    const limit = `signal of ${payload.length} bytes, limit ${MAX_SIGNAL_PAYLOAD_BYTES}`;
    throw new NetError('SIGNAL_REFUSED', limit);
  }
  return new ByteWriter(SIGNED_SIGNAL_OVERHEAD_BYTES + payload.length)
    .u8(SIGNED_SIGNAL_VERSION)
    .u32be(scope.epoch)
    .bytes(sign(signalBytes({ ...scope, payload })))
    .bytes(payload)
    .finish();
}

/**
 * The payload when it was signed for exactly this scope, else why not. Which member sent it is the
 * server's word; `verify` checks with the key of that member's certificate.
 */
export function openSignal(
  verify: (envelope: Uint8Array, signature: Uint8Array) => boolean,
  scope: MemberScope,
  bytes: Uint8Array,
): OpenedSignal {
  const signal = tryDecode(bytes);
  if (signal === undefined || scope.from === scope.to) return { refused: 'malformed' };
  if (signal.epoch !== scope.epoch) return { refused: 'otherEpoch' };
  const envelope = signalBytes({ ...scope, payload: signal.payload });
  if (!verify(envelope, signal.signature)) return { refused: 'unverified' };
  return { payload: signal.payload };
}

/** @throws DecodeError on another version, a truncated head, or more than {@link MAX_SIGNAL_BYTES}. */
export function decodeSignedSignal(bytes: Uint8Array): SignedSignal {
  if (bytes.length > MAX_SIGNAL_BYTES) {
    throw new DecodeError('WIRE_MALFORMED', `signal over ${MAX_SIGNAL_BYTES} bytes`, 0);
  }
  const reader = new ByteReader(bytes);
  if (reader.u8('signal version') !== SIGNED_SIGNAL_VERSION) {
    throw new DecodeError('WIRE_MALFORMED', 'signal version', 0);
  }
  const epoch = reader.u32be('epoch');
  const signature = reader.bytes(SIGNATURE_BYTES, 'signature');
  return { epoch, signature, payload: reader.bytes(reader.remaining) };
}

function tryDecode(bytes: Uint8Array): SignedSignal | undefined {
  try {
    return decodeSignedSignal(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
