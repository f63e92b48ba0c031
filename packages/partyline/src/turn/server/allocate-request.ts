import { findAttribute, type StunMessage } from '../../stun/index.ts';
import {
  AddressFamily,
  decodeAddressFamily,
  decodeEvenPort,
  decodeLifetime,
  decodeRequestedTransport,
  decodeReservationToken,
  TRANSPORT_UDP,
  TurnAttributeType,
  TurnErrorCode,
} from '../index.ts';
import type { TurnLimits } from './options.ts';

/** What an Allocate request asks for, in so far as it makes sense: RFC 8656 §7.2. */
export interface AllocateRequest {
  readonly family: AddressFamily;
  /** IPv6 beside IPv4. */
  readonly isDual: boolean;
  readonly evenPort: 'no' | 'even' | 'pair';
  readonly reservationToken: Uint8Array | undefined;
  readonly lifetimeSec: number;
}

/** @throws DecodeError on an attribute of the wrong length; gives the error that the RFC names for the rest. */
export function readAllocateRequest(
  message: StunMessage,
  limits: TurnLimits,
): AllocateRequest | TurnErrorCode {
  const transport = findAttribute(message, TurnAttributeType.RequestedTransport);
  if (!transport) return TurnErrorCode.BadRequest;
  if (decodeRequestedTransport(transport) !== TRANSPORT_UDP) {
    return TurnErrorCode.UnsupportedTransport;
  }
  const requested = findAttribute(message, TurnAttributeType.RequestedAddressFamily);
  const additional =
    findAttribute(message, TurnAttributeType.AdditionalAddressFamily) ??
    findAttribute(message, TurnAttributeType.DraftAdditionalAddressFamily);
  const even = findAttribute(message, TurnAttributeType.EvenPort);
  const token = findAttribute(message, TurnAttributeType.ReservationToken);
  if (requested && additional) return TurnErrorCode.BadRequest;
  if (token && (even || requested || additional)) return TurnErrorCode.BadRequest;
  const isPair = even !== undefined && decodeEvenPort(even);
  if (additional && isPair) return TurnErrorCode.BadRequest;
  // Only IPv6 can be had in addition: RFC 8656 §18.11.
  if (additional && decodeAddressFamily(additional) !== AddressFamily.Ipv6) {
    return TurnErrorCode.BadRequest;
  }
  const family = requested ? decodeAddressFamily(requested) : AddressFamily.Ipv4;
  if (family !== AddressFamily.Ipv4 && family !== AddressFamily.Ipv6) {
    return TurnErrorCode.AddressFamilyNotSupported;
  }
  return {
    family,
    isDual: additional !== undefined,
    evenPort: isPair ? 'pair' : even ? 'even' : 'no',
    reservationToken: token && decodeReservationToken(token),
    lifetimeSec: lifetimeOf(message, limits),
  };
}

/** RFC 8656 §7.2: what is asked for, but no less than the default and no more than the limit. */
export function lifetimeOf(message: StunMessage, limits: TurnLimits): number {
  const value = findAttribute(message, TurnAttributeType.Lifetime);
  const asked = value ? decodeLifetime(value) : 0;
  return Math.max(limits.defaultLifetimeSec, Math.min(asked, limits.maxLifetimeSec));
}
