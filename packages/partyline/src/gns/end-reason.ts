/** GNS's `ESteamNetConnectionEnd`, as far as it is used here. */
export const EndReason = {
  /** 1000 to 1999 are the application's own, for an ordinary end. */
  AppGeneric: 1000,
  /** 2000 to 2999 are the application's own, for an unusual end. */
  AppExceptionGeneric: 2000,
  LocalOfflineMode: 3001,
  LocalP2pIceNoPublicAddresses: 3006,
  RemoteTimeout: 4001,
  RemoteBadCrypt: 4002,
  RemoteBadCert: 4003,
  RemoteBadProtocolVersion: 4006,
  RemoteP2pIceNoPublicAddresses: 4007,
  MiscGeneric: 5001,
  MiscInternalError: 5002,
  MiscTimeout: 5003,
  /** Signals did not bring both sides together. */
  MiscP2pRendezvous: 5008,
  /** They did, and no path between them works. */
  MiscP2pNatFirewall: 5009,
  MiscPeerSentNoConnection: 5010,
} as const;

const APP_MIN = 1000;
const APP_MAX = 2999;

/** What an application may close with; anything else becomes AppGeneric, as in GNS. */
export function applicationReason(reason: number): number {
  const isOwn = Number.isInteger(reason) && reason >= APP_MIN && reason <= APP_MAX;
  return isOwn ? reason : EndReason.AppGeneric;
}
