import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';

/** RFC 8489 §5: fixed in every STUN message, in network byte order. */
export const MAGIC_COOKIE = 0x2112a442;
/** RFC 8489 §5, in bytes. */
export const HEADER_BYTES = 20;

/** Attributes of one message; more are refused. TURN's largest request has about a dozen. */
export const MAX_STUN_ATTRIBUTES = 64;

/** RFC 8489 §18.2. */
export const BINDING_METHOD = 0x001;

/** RFC 8489 §5: the two C bits of the message type. */
export const StunClass = { Request: 0, Indication: 1, Success: 2, Error: 3 } as const;
export type StunClass = (typeof StunClass)[keyof typeof StunClass];

export interface StunAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

export interface StunMessage {
  readonly class: StunClass;
  /** 12 bits; RFC 8489 §18.2. */
  readonly method: number;
  /** 96 bits. */
  readonly transactionId: Uint8Array;
  readonly attributes: readonly StunAttribute[];
}

/** Cheap test for demultiplexing (RFC 9443 §3); says nothing about validity. */
export function looksLikeStun(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES || (bytes[0] ?? 0xff) > 3) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(4) === MAGIC_COOKIE;
}

export function encodeStun(message: StunMessage): Uint8Array {
  const body = new ByteWriter();
  for (const { type, value } of message.attributes) {
    body.u16be(type).u16be(value.length).bytes(value);
    body.bytes(new Uint8Array(-value.length & 3)); // §14: pad to 32 bits
  }
  const attributes = body.finish();
  return new ByteWriter(HEADER_BYTES + attributes.length)
    .u16be(packType(message.class, message.method))
    .u16be(attributes.length)
    .u32be(MAGIC_COOKIE)
    .bytes(message.transactionId)
    .bytes(attributes)
    .finish();
}

/** @throws {@link DecodeError} on anything that is not exactly one well-formed message. */
export function decodeStun(bytes: Uint8Array): StunMessage {
  const header = new ByteReader(bytes);
  const type = header.u16be('message type');
  if (type > 0x3fff)
    throw new DecodeError('WIRE_MALFORMED', 'message type has its top bits set', 0);
  const length = header.u16be('message length');
  if (header.u32be('magic cookie') !== MAGIC_COOKIE) {
    throw new DecodeError('WIRE_MALFORMED', 'magic cookie', 4);
  }
  const transactionId = header.bytes(12, 'transaction id').slice();
  if (length !== header.remaining || length % 4 !== 0) {
    throw new DecodeError('WIRE_MALFORMED', 'message length', 2);
  }
  const attributes: StunAttribute[] = [];
  while (header.remaining > 0) {
    if (attributes.length >= MAX_STUN_ATTRIBUTES) {
      throw new DecodeError('WIRE_MALFORMED', 'attribute count', header.offset);
    }
    const attributeType = header.u16be('attribute type');
    const valueLength = header.u16be('attribute length');
    attributes.push({
      type: attributeType,
      value: header.bytes(valueLength, 'attribute value').slice(),
    });
    header.bytes(-valueLength & 3, 'attribute padding');
  }
  return { ...unpackType(type), transactionId, attributes };
}

/** As {@link decodeStun}, with `undefined` for everything that is not one well-formed message. */
export function readStun(bytes: Uint8Array): StunMessage | undefined {
  if (!looksLikeStun(bytes)) return undefined;
  try {
    return decodeStun(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** RFC 8489 §5, figure 3: class bits sit at 4 and 8, the method fills the rest. */
function packType(cls: StunClass, method: number): number {
  return (
    (method & 0xf) |
    ((method & 0x70) << 1) |
    ((method & 0xf80) << 2) |
    ((cls & 1) << 4) |
    ((cls & 2) << 7)
  );
}

function unpackType(type: number): { class: StunClass; method: number } {
  return {
    class: (((type >> 4) & 1) | ((type >> 7) & 2)) as StunClass,
    method: (type & 0xf) | ((type >> 1) & 0x70) | ((type >> 2) & 0xf80),
  };
}
