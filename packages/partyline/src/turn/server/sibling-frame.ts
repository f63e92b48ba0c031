import type { AddressFamily } from '../index.ts';

/** u8 family · u16 port it is for · u16 port it comes from; then the payload. */
export const SIBLING_HEADER_BYTES = 5;

/** A packet between relayed addresses of two siblings, which never goes through a relayed socket. */
export interface SiblingFrame {
  readonly family: AddressFamily;
  /** The receiver's relayed port. */
  readonly toPort: number;
  /** The sender's relayed port. */
  readonly fromPort: number;
  readonly payload: Uint8Array;
}

/** Fills `target`, which has room for header and payload. */
export function writeSiblingFrame(target: Uint8Array, frame: SiblingFrame): void {
  target[0] = frame.family;
  target[1] = frame.toPort >> 8;
  target[2] = frame.toPort;
  target[3] = frame.fromPort >> 8;
  target[4] = frame.fromPort;
  target.set(frame.payload, SIBLING_HEADER_BYTES);
}

/** `undefined` when it is cut; the payload is a view. */
export function readSiblingFrame(
  bytes: Uint8Array,
): (Omit<SiblingFrame, 'family'> & { readonly family: number }) | undefined {
  if (bytes.length < SIBLING_HEADER_BYTES) return undefined;
  return {
    family: bytes[0] ?? 0,
    toPort: ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0),
    fromPort: ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0),
    payload: bytes.subarray(SIBLING_HEADER_BYTES),
  };
}
