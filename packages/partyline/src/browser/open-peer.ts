import { NetError, orAborted } from '../base/index.ts';
import type { Lobby } from '../client/index.ts';
import type { LobbyPeer, LobbyPeerOptions } from '../peers/index.ts';
import type { PeerConnectionLike } from '../webrtc/index.ts';
import { browserCrypto } from './crypto.ts';
import { browserScheduler } from './scheduler.ts';
import { browserSockets } from './sockets.ts';

export interface OpenPeerOptions extends LobbyPeerOptions {
  /** Default: the server's STUN and relay. */
  readonly rtc?: RTCConfiguration | undefined;
}

/**
 * The game's peer in this lobby. A star: the owner's at once, as host 1; another member's when the host
 * has admitted it; it ends with the epoch, so open a new one after `ownerChanged`. A mesh: at once.
 * Rejects with a `NetError` (`LOBBY_CLOSED`, `PEER_CONNECT_FAILED`, `PEER_CONNECT_TIMEOUT`: the message says what was tried) or the reason of an aborted signal.
 */
export async function openPeer(lobby: Lobby, options: OpenPeerOptions = {}): Promise<LobbyPeer> {
  // Its own file: a page shows its lobby before it loads what plays (docs/adr/0024).
  const { LobbyPeer } = await import('../peers/index.ts').catch((cause: unknown) => {
    throw new NetError('PEER_CONNECT_FAILED', 'what plays could not be loaded', { cause });
  });
  const { rtc, ...peerOptions } = options;
  const config = { iceServers: [...(await orAborted(lobby.iceServers(), options.signal))], ...rtc };
  const environment = {
    crypto: browserCrypto,
    scheduler: browserScheduler,
    sockets: browserSockets,
    // Its own file: a page that never relays never loads it.
    loadSealing: async () => (await import('../crypto/sealing/index.ts')).nobleSealing,
    createPeerConnection:
      'RTCPeerConnection' in globalThis
        ? (): PeerConnectionLike => new RTCPeerConnection(config)
        : undefined,
  };
  return await LobbyPeer.open(lobby, environment, peerOptions);
}
