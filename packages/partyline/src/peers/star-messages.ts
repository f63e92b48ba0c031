import { ByteReader, ByteWriter, DecodeError, fromUtf8, utf8 } from '../base/index.ts';
import type { PeerId } from '../multiplayer/index.ts';

/** docs/wire/link.md#star: goes up when an older peer could not follow. */
export const STAR_PROTOCOL_VERSION = 1;
/** Longest schema string, in bytes of UTF-8. */
export const MAX_SCHEMA_BYTES = 64;
/** Other clients that a client believes its host to have; lobbies are smaller. */
export const MAX_OTHER_CLIENTS = 1000;
/** Longest reason in a `left` message, in bytes of UTF-8. */
const MAX_REASON_BYTES = 600;

const Kind = { Hello: 1, Welcome: 2, Joined: 3, Left: 4, Leaving: 5 } as const;

/** What peers say to each other about who is there; system messages of a link. */
export type StarMessage =
  /** Client → host, first of all; in a mesh both ways. */
  | { readonly type: 'hello'; readonly version: number; readonly schema: string }
  /** Host → client: admitted; in a mesh both ways. */
  | { readonly type: 'welcome' }
  /** Host → clients. */
  | { readonly type: 'joined'; readonly id: PeerId }
  | { readonly type: 'left'; readonly id: PeerId; readonly reason: string }
  /** In a mesh, the last message: this end is meant, so do not connect again. */
  | { readonly type: 'leaving' };

export function encodeStarMessage(message: StarMessage): Uint8Array {
  const writer = new ByteWriter(32);
  switch (message.type) {
    case 'hello':
      text(writer.u8(Kind.Hello).u16be(message.version), message.schema);
      break;
    case 'welcome':
      writer.u8(Kind.Welcome);
      break;
    case 'leaving':
      writer.u8(Kind.Leaving);
      break;
    case 'joined':
      writer.u8(Kind.Joined).u32be(message.id);
      break;
    case 'left':
      text(writer.u8(Kind.Left).u32be(message.id), message.reason.slice(0, MAX_REASON_BYTES / 3));
      break;
  }
  return writer.finish();
}

/** @throws DecodeError */
export function decodeStarMessage(bytes: Uint8Array): StarMessage {
  const reader = new ByteReader(bytes);
  const message = decode(reader);
  if (reader.remaining > 0) throw new DecodeError('WIRE_MALFORMED', 'bytes left', reader.offset);
  return message;
}

function decode(reader: ByteReader): StarMessage {
  switch (reader.u8('star message')) {
    case Kind.Hello:
      return {
        type: 'hello',
        version: reader.u16be('version'),
        schema: readText(reader, MAX_SCHEMA_BYTES),
      };
    case Kind.Welcome:
      return { type: 'welcome' };
    case Kind.Leaving:
      return { type: 'leaving' };
    case Kind.Joined:
      return { type: 'joined', id: readId(reader) };
    case Kind.Left:
      return { type: 'left', id: readId(reader), reason: readText(reader, MAX_REASON_BYTES) };
    default:
      throw new DecodeError('WIRE_MALFORMED', 'star message', 0);
  }
}

function readId(reader: ByteReader): PeerId {
  const id = reader.u32be('peer id');
  if (id < 2 || id > 0x7fff_ffff) throw new DecodeError('WIRE_MALFORMED', 'peer id', reader.offset);
  return id;
}

function text(writer: ByteWriter, value: string): void {
  const bytes = utf8(value);
  writer.u16be(bytes.length).bytes(bytes);
}

function readText(reader: ByteReader, limit: number): string {
  const length = reader.u16be('text length');
  if (length > limit) throw new DecodeError('WIRE_MALFORMED', 'text length', reader.offset);
  const bytes = reader.bytes(length, 'text');
  try {
    return fromUtf8(bytes);
  } catch {
    throw new DecodeError('WIRE_MALFORMED', 'text', reader.offset);
  }
}
