import { isNetError, type Logger, orAborted, silentLogger } from '../base/index.ts';
import type { Lobby } from '../client/index.ts';
import { LobbyPeer, type LobbyPeerOptions } from '../peers/index.ts';
import type { PeerConnectionLike } from '../webrtc/index.ts';
import { nodeCrypto } from './crypto.ts';
import { loadPeerConnections, type NodePeerConnectionConfig } from './peer-connection.ts';
import { nodeScheduler } from './scheduler.ts';
import { nodeSockets } from './sockets.ts';

export interface OpenPeerOptions extends LobbyPeerOptions {
  /** As `RTCConfiguration`. Default: the server's STUN and relay. */
  readonly rtc?: NodePeerConnectionConfig | undefined;
}

/**
 * The game's peer in this lobby: the owner's at once, as host 1; another member's when the host has
 * admitted it. Ends with the epoch: after `ownerChanged` open a new one.
 * Rejects with a `NetError` (`LOBBY_CLOSED`, `PEER_CONNECT_FAILED`, `PEER_CONNECT_TIMEOUT`: the message says what was tried) or the reason of an aborted signal.
 */
export async function openPeer(lobby: Lobby, options: OpenPeerOptions = {}): Promise<LobbyPeer> {
  const { rtc, ...peerOptions } = options;
  const createPeerConnection = await loadWebRtc(
    { iceServers: [...(await orAborted(lobby.iceServers(), options.signal))], ...rtc },
    options.logger ?? silentLogger,
  );
  const environment = {
    crypto: nodeCrypto,
    scheduler: nodeScheduler,
    sockets: nodeSockets,
    loadSealing: async () => nodeCrypto,
    createPeerConnection,
  };
  return await LobbyPeer.open(lobby, environment, peerOptions);
}

/** Without node-datachannel there is still the relay. */
async function loadWebRtc(
  config: NodePeerConnectionConfig,
  logger: Logger,
): Promise<(() => PeerConnectionLike) | undefined> {
  try {
    const create = await loadPeerConnections();
    return () => create(config);
  } catch (error) {
    if (!isNetError(error, 'WEBRTC_UNAVAILABLE')) throw error;
    logger.warn({ err: error }, 'no WebRTC in this process: peers go by the relay');
    return undefined;
  }
}
