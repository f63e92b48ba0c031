import { NetError, type NetErrorCode } from '../../base/index.ts';
import type { StunError } from '../../stun/index.ts';
import { TurnErrorCode } from '../methods.ts';

const codes: ReadonlyMap<number, NetErrorCode> = new Map([
  [TurnErrorCode.Unauthenticated, 'TURN_UNAUTHORIZED'],
  [TurnErrorCode.Forbidden, 'TURN_FORBIDDEN'],
  [TurnErrorCode.AllocationMismatch, 'TURN_MISMATCH'],
  [TurnErrorCode.AddressFamilyNotSupported, 'TURN_FAMILY'],
  [TurnErrorCode.WrongCredentials, 'TURN_WRONG_CREDENTIALS'],
  [TurnErrorCode.PeerAddressFamilyMismatch, 'TURN_FAMILY'],
  [TurnErrorCode.AllocationQuotaReached, 'TURN_QUOTA'],
  [TurnErrorCode.InsufficientCapacity, 'TURN_CAPACITY'],
]);

/** A server's error response as a typed error: RFC 8656 §19. */
export function refusalError({ code, reason }: StunError): NetError {
  const words = reason === '' ? '' : `: ${reason}`;
  return new NetError(codes.get(code) ?? 'TURN_REFUSED', `the relay answered ${code}${words}`);
}
