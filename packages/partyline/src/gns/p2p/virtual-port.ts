import { NetError } from '../../base/index.ts';

/** Where ISteamNetworkingMessages lives (GNS `k_nVirtualPort_Messages`). */
export const MESSAGES_VIRTUAL_PORT = 0x7fff_ffff;
/** Largest one of applications; the rest is GNS's own. */
export const MAX_VIRTUAL_PORT = 0xffff;

/** @throws NetError `OPTIONS_INVALID` */
export function checkVirtualPort(name: string, port: number): void {
  const isApplications = Number.isInteger(port) && port >= 0 && port <= MAX_VIRTUAL_PORT;
  if (isApplications || port === MESSAGES_VIRTUAL_PORT) return;
  throw new NetError('OPTIONS_INVALID', `${name} takes 0 to ${MAX_VIRTUAL_PORT}`);
}
