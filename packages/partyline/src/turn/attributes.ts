import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import type { StunAttribute } from '../stun/index.ts';

/** RFC 8656 §18. */
export const TurnAttributeType = {
  ChannelNumber: 0x000c,
  Lifetime: 0x000d,
  XorPeerAddress: 0x0012,
  Data: 0x0013,
  XorRelayedAddress: 0x0016,
  RequestedAddressFamily: 0x0017,
  EvenPort: 0x0018,
  RequestedTransport: 0x0019,
  DontFragment: 0x001a,
  ReservationToken: 0x0022,
  AdditionalAddressFamily: 0x8000,
  AddressErrorCode: 0x8001,
  /** ADDITIONAL-ADDRESS-FAMILY before RFC 8656 gave it a number; coturn 4.6's clients still send it. */
  DraftAdditionalAddressFamily: 0x8032,
} as const;

/** RFC 8656 §18.6. */
export const AddressFamily = { Ipv4: 1, Ipv6: 2 } as const;
export type AddressFamily = (typeof AddressFamily)[keyof typeof AddressFamily];

export const RESERVATION_TOKEN_BYTES = 8;

/** RFC 8656 §18.2, in seconds. */
export function lifetime(seconds: number): StunAttribute {
  return {
    type: TurnAttributeType.Lifetime,
    value: new ByteWriter(4).u32be(seconds).finish(),
  };
}

/** Seconds. @throws DecodeError */
export function decodeLifetime(value: Uint8Array): number {
  return exactly(4, value, 'LIFETIME').u32be();
}

/** RFC 8656 §18.1. */
export function channelNumber(channel: number): StunAttribute {
  return {
    type: TurnAttributeType.ChannelNumber,
    value: new ByteWriter(4).u16be(channel).u16be(0).finish(),
  };
}

/** @throws DecodeError */
export function decodeChannelNumber(value: Uint8Array): number {
  return exactly(4, value, 'CHANNEL-NUMBER').u16be();
}

/** RFC 8656 §18.7; `protocol` is an IANA protocol number. */
export function requestedTransport(protocol: number): StunAttribute {
  return {
    type: TurnAttributeType.RequestedTransport,
    value: new ByteWriter(4).u8(protocol).u8(0).u16be(0).finish(),
  };
}

/** @throws DecodeError */
export function decodeRequestedTransport(value: Uint8Array): number {
  return exactly(4, value, 'REQUESTED-TRANSPORT').u8();
}

/** REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY: RFC 8656 §18.6, §18.11. */
export function addressFamily(
  type:
    | typeof TurnAttributeType.RequestedAddressFamily
    | typeof TurnAttributeType.AdditionalAddressFamily,
  family: AddressFamily,
): StunAttribute {
  return { type, value: new ByteWriter(4).u8(family).u8(0).u16be(0).finish() };
}

/** The number as sent: families that we do not know are the caller's to answer. @throws DecodeError */
export function decodeAddressFamily(value: Uint8Array): number {
  return exactly(4, value, 'address family').u8();
}

/** RFC 8656 §18.5; `reserveNext` asks for the next port as well. */
export function evenPort(reserveNext: boolean): StunAttribute {
  return { type: TurnAttributeType.EvenPort, value: Uint8Array.of(reserveNext ? 0x80 : 0) };
}

/** @throws DecodeError */
export function decodeEvenPort(value: Uint8Array): boolean {
  return (exactly(1, value, 'EVEN-PORT').u8() & 0x80) !== 0;
}

/** RFC 8656 §18.12: the family that could not be had, and why. */
export function addressErrorCode(family: AddressFamily, code: number): StunAttribute {
  return {
    type: TurnAttributeType.AddressErrorCode,
    value: Uint8Array.of(family, 0, Math.floor(code / 100), code % 100),
  };
}

/** A view. @throws DecodeError */
export function decodeReservationToken(value: Uint8Array): Uint8Array {
  return exactly(RESERVATION_TOKEN_BYTES, value, 'RESERVATION-TOKEN').bytes(
    RESERVATION_TOKEN_BYTES,
  );
}

function exactly(length: number, value: Uint8Array, what: string): ByteReader {
  if (value.length !== length) throw new DecodeError('WIRE_MALFORMED', `length of ${what}`, 0);
  return new ByteReader(value);
}
