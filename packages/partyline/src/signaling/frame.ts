import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import type { MemberId } from './signaling.ts';

/** docs/wire/frames.md: first byte of every binary frame on the control and relay sockets. */
export const FRAME_VERSION = 1;
/** u8 version, u8 type, u32be member. */
export const FRAME_HEADER_BYTES = 6;

export const FrameType = {
  /** A signal (control socket). Member: receiver when sent, sender when received. */
  Signal: 1,
  /** A relayed packet that may be dropped (relay socket). Member as above. */
  RelayUnreliable: 2,
  /** A relayed packet that is kept or ends the link (relay socket). Member as above. */
  RelayReliable: 3,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface Frame {
  readonly type: FrameType;
  readonly member: MemberId;
  /** A view into the frame. */
  readonly payload: Uint8Array;
}

export function encodeFrame(type: FrameType, member: MemberId, payload: Uint8Array): Uint8Array {
  return new ByteWriter(FRAME_HEADER_BYTES + payload.length)
    .u8(FRAME_VERSION)
    .u8(type)
    .u32be(member)
    .bytes(payload)
    .finish();
}

/** @throws {@link DecodeError} on another version, an unknown type or a missing header. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new ByteReader(bytes);
  const version = reader.u8('frame version');
  if (version !== FRAME_VERSION) throw new DecodeError('WIRE_MALFORMED', 'frame version', 0);
  const type = reader.u8('frame type');
  if (type < FrameType.Signal || type > FrameType.RelayReliable) {
    throw new DecodeError('WIRE_MALFORMED', 'frame type', 1);
  }
  const member = reader.u32be('member');
  return { type: type as FrameType, member, payload: reader.bytes(reader.remaining) };
}
