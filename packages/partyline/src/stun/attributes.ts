import {
  ByteReader,
  ByteWriter,
  DecodeError,
  NetError,
  parseIp,
  printIp,
  unmapIp,
} from '../base/index.ts';
import { MAGIC_COOKIE, type StunAttribute, type StunMessage } from './message.ts';

/** RFC 8489 §18.3. */
export const StunAttributeType = {
  MappedAddress: 0x0001,
  Username: 0x0006,
  MessageIntegrity: 0x0008,
  ErrorCode: 0x0009,
  UnknownAttributes: 0x000a,
  Realm: 0x0014,
  Nonce: 0x0015,
  MessageIntegritySha256: 0x001c,
  PasswordAlgorithm: 0x001d,
  Userhash: 0x001e,
  XorMappedAddress: 0x0020,
  PasswordAlgorithms: 0x8002,
  AlternateDomain: 0x8003,
  Software: 0x8022,
  AlternateServer: 0x8023,
  Fingerprint: 0x8028,
} as const;

/** An address as sockets report it; the host is an IP address in text, never a name. */
export interface StunAddress {
  readonly host: string;
  readonly port: number;
}

export interface StunError {
  /** 300 to 699. */
  readonly code: number;
  /** For people; may be empty. */
  readonly reason: string;
}

/** RFC 8489 §14.8: a reason has fewer than 128 characters, so at most 509 bytes. */
const MAX_REASON_BYTES = 509;
const Family = { Ipv4: 1, Ipv6: 2 } as const;

/** RFC 8489 §14: attributes below 0x8000 must be understood or refused. */
export function isComprehensionRequired(type: number): boolean {
  return type < 0x8000;
}

/** The first attribute of a type: later ones of the same type are to be ignored (§14). */
export function findAttribute(message: StunMessage, type: number): Uint8Array | undefined {
  return message.attributes.find((attribute) => attribute.type === type)?.value;
}

/**
 * RFC 8489 §14.2: port and address hidden from middleboxes that rewrite addresses they see.
 * A mapped IPv4 address (dual-stack socket) is written as IPv4, a zone is left out.
 * @throws NetError `OPTIONS_INVALID` when the host is not an IP address.
 */
export function xorMappedAddress(address: StunAddress, transactionId: Uint8Array): StunAttribute {
  return xorAddress(StunAttributeType.XorMappedAddress, address, transactionId);
}

/** Any attribute in the form of XOR-MAPPED-ADDRESS; TURN has two more. As {@link xorMappedAddress}. */
export function xorAddress(
  type: number,
  address: StunAddress,
  transactionId: Uint8Array,
): StunAttribute {
  return { type, value: encodeAddress(address, transactionId) };
}

/** Any XOR-…-ADDRESS. @throws DecodeError on an unknown family or a length that does not fit it. */
export function decodeXorMappedAddress(value: Uint8Array, transactionId: Uint8Array): StunAddress {
  return decodeAddress(value, transactionId);
}

/** MAPPED-ADDRESS (RFC 8489 §14.1) and what has its form: an address as it is. */
export function plainAddress(type: number, address: StunAddress): StunAttribute {
  return { type, value: encodeAddress(address, undefined) };
}

/** As {@link decodeXorMappedAddress}, of an address as it is. @throws DecodeError */
export function decodeMappedAddress(value: Uint8Array): StunAddress {
  return decodeAddress(value, undefined);
}

/** RFC 8489 §14.8. */
export function errorCode({ code, reason }: StunError): StunAttribute {
  const value = new ByteWriter(4 + reason.length)
    .u16be(0)
    .u8(Math.floor(code / 100))
    .u8(code % 100)
    .bytes(new TextEncoder().encode(reason))
    .finish();
  return { type: StunAttributeType.ErrorCode, value };
}

/** @throws DecodeError outside 300 to 699, or when the reason is too long. */
export function decodeErrorCode(value: Uint8Array): StunError {
  const reader = new ByteReader(value);
  reader.u16be('reserved');
  const hundreds = reader.u8('error class') & 7;
  const rest = reader.u8('error number');
  if (hundreds < 3 || hundreds > 6 || rest > 99 || reader.remaining > MAX_REASON_BYTES) {
    throw new DecodeError('WIRE_MALFORMED', 'error code', 2);
  }
  // For people only: bytes that are not UTF-8 are shown as such, not refused.
  const reason = new TextDecoder().decode(reader.bytes(reader.remaining));
  return { code: hundreds * 100 + rest, reason };
}

/** RFC 8489 §14.13. */
export function unknownAttributes(types: Iterable<number>): StunAttribute {
  const value = new ByteWriter();
  for (const type of types) value.u16be(type);
  return { type: StunAttributeType.UnknownAttributes, value: value.finish() };
}

/** @throws DecodeError on half a type. */
export function decodeUnknownAttributes(value: Uint8Array): number[] {
  const reader = new ByteReader(value);
  const types: number[] = [];
  while (reader.remaining > 0) types.push(reader.u16be('unknown attribute'));
  return types;
}

/** With a transaction id it is hidden. @throws NetError `OPTIONS_INVALID` when the host is no address. */
function encodeAddress(address: StunAddress, transactionId: Uint8Array | undefined): Uint8Array {
  const parsed = parseIp(address.host.replace(/%.*$/, ''));
  if (parsed === undefined) throw new NetError('OPTIONS_INVALID', `not an IP: ${address.host}`);
  const ip = unmapIp(parsed);
  return new ByteWriter(20)
    .u8(0)
    .u8(ip.length === 4 ? Family.Ipv4 : Family.Ipv6)
    .u16be(transactionId ? address.port ^ (MAGIC_COOKIE >>> 16) : address.port)
    .bytes(transactionId ? xorBytes(ip, transactionId) : ip)
    .finish();
}

function decodeAddress(value: Uint8Array, transactionId: Uint8Array | undefined): StunAddress {
  const reader = new ByteReader(value);
  reader.u8('reserved');
  const family = reader.u8('address family');
  const port = reader.u16be('port');
  const length = family === Family.Ipv4 ? 4 : 16;
  if ((family !== Family.Ipv4 && family !== Family.Ipv6) || reader.remaining !== length) {
    throw new DecodeError('WIRE_MALFORMED', 'mapped address', 1);
  }
  const ip = reader.bytes(length);
  if (!transactionId) return { host: printIp(ip), port };
  return { host: printIp(xorBytes(ip, transactionId)), port: port ^ (MAGIC_COOKIE >>> 16) };
}

/** Its own inverse: xor with the cookie, then (IPv6) the transaction id. */
function xorBytes(address: Uint8Array, transactionId: Uint8Array): Uint8Array {
  const mask = new ByteWriter(16).u32be(MAGIC_COOKIE).bytes(transactionId).finish();
  return address.map((byte, i) => byte ^ (mask[i] ?? 0));
}
