import type { StunAddress } from '../stun/index.ts';

/**
 * Where a datagram leaves or came in: one of the sockets the driver opened, and the address at the
 * other end. A relayed address is a socket of its own to the agent: what it sends there, the
 * driver's TURN client wraps.
 */
export interface IceRoute extends StunAddress {
  /** The number the driver gave the socket in {@link IceLocalCandidate.socket}. */
  readonly socket: number;
}

/** Equal for equal addresses, whichever object says them. */
export function addressKey({ host, port }: StunAddress): string {
  return `${host} ${port}`;
}

export function routeKey(route: IceRoute): string {
  return `${route.socket} ${addressKey(route)}`;
}
