import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';

/** docs/wire/link.md#mesh: first bytes of the signals of a mesh. */
const Kind = { Greeting: 0x4d, Wire: 0x57 } as const;
const Flag = { Open: 1, WantsRelay: 2 } as const;
/** u8 kind, u32 tag. */
const WIRE_HEADER_BYTES = 5;

/** One of the two halves of an introduction. Both sides are known by a number drawn for one link alone. */
export interface Greeting {
  /** Drawn anew by every opened peer: another number is another peer of the same member. */
  readonly incarnation: number;
  /** The sender's for the link, never 0. */
  readonly local: number;
  /** What the sender knows of the receiver's; 0 for nothing. */
  readonly remote: number;
  /** The sender has opened the link of these two numbers. */
  readonly isOpen: boolean;
  /** The relay is needed now: the receiver should not wait for a better wire any longer. */
  readonly wantsRelay: boolean;
}

export type MeshSignal =
  | { readonly type: 'greeting'; readonly greeting: Greeting }
  /** Of the wires of the link with this tag. */
  | { readonly type: 'wire'; readonly tag: number; readonly payload: Uint8Array };

export function encodeGreeting(greeting: Greeting): Uint8Array {
  const { incarnation, local, remote, isOpen, wantsRelay } = greeting;
  return new ByteWriter(14)
    .u8(Kind.Greeting)
    .u8((isOpen ? Flag.Open : 0) | (wantsRelay ? Flag.WantsRelay : 0))
    .u32be(incarnation)
    .u32be(local)
    .u32be(remote)
    .finish();
}

export function encodeWireSignal(tag: number, payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(WIRE_HEADER_BYTES + payload.length).u8(Kind.Wire);
  return writer.u32be(tag).bytes(payload).finish();
}

/** `undefined` for signals that are not of a mesh. The payload is a view. @throws DecodeError */
export function decodeMeshSignal(bytes: Uint8Array): MeshSignal | undefined {
  const reader = new ByteReader(bytes);
  const kind = reader.u8('kind');
  if (kind === Kind.Wire) {
    const tag = reader.u32be('tag');
    return { type: 'wire', tag, payload: reader.bytes(reader.remaining) };
  }
  if (kind !== Kind.Greeting) return undefined;
  const flags = reader.u8('flags');
  const greeting = {
    incarnation: reader.u32be('incarnation'),
    local: reader.u32be('local'),
    remote: reader.u32be('remote'),
    isOpen: (flags & Flag.Open) !== 0,
    wantsRelay: (flags & Flag.WantsRelay) !== 0,
  };
  if (flags > 3 || greeting.local === 0 || reader.remaining > 0) {
    throw new DecodeError('WIRE_MALFORMED', 'greeting', 0);
  }
  return { type: 'greeting', greeting };
}
