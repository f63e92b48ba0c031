import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';

/** docs/wire/link.md#knock: first byte; no WebRTC signal starts with it. */
export const KNOCK_KIND = 0x4b;

/** "I have opened my peer: make wires to me." A signal, so the server and strangers cannot forge it. */
export interface Knock {
  /** Drawn anew for each opened peer: another number is another peer of the same member. */
  readonly incarnation: number;
  /** The relay is needed now: the other side should not wait for WebRTC any longer. */
  readonly wantsRelay: boolean;
}

export function encodeKnock({ incarnation, wantsRelay }: Knock): Uint8Array {
  const writer = new ByteWriter(6).u8(KNOCK_KIND).u8(wantsRelay ? 1 : 0);
  return writer.u32be(incarnation).finish();
}

/** `undefined` when the signal is none. @throws DecodeError */
export function decodeKnock(payload: Uint8Array): Knock | undefined {
  if (payload[0] !== KNOCK_KIND) return undefined;
  const reader = new ByteReader(payload);
  reader.u8('kind');
  const flags = reader.u8('flags');
  const incarnation = reader.u32be('incarnation');
  if (flags > 1 || reader.remaining > 0) throw new DecodeError('WIRE_MALFORMED', 'knock', 0);
  return { incarnation, wantsRelay: flags === 1 };
}
