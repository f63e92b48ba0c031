import { isNetError, type Logger, orAborted, silentLogger } from '../base/index.ts';
import type { Lobby } from '../client/index.ts';
import { LobbyPeer, type LobbyPeerOptions, type OpenGns } from '../peers/index.ts';
import type { PeerConnectionLike } from '../webrtc/index.ts';
import { nodeCrypto } from './crypto.ts';
import { LobbyGnsWires } from './gns-lobby-wires.ts';
import { loadPeerConnections, type NodePeerConnectionConfig } from './peer-connection.ts';
import { nodeScheduler } from './scheduler.ts';
import { nodeSockets } from './sockets.ts';

export interface OpenPeerOptions extends LobbyPeerOptions {
  /** As `RTCConfiguration`. Default: the server's STUN and relay. */
  readonly rtc?: NodePeerConnectionConfig | undefined;
}

/**
 * The game's peer in this lobby. A star: the owner's at once, as host 1; another member's when the host
 * has admitted it; it ends with the epoch, so open a new one after `ownerChanged`. A mesh: at once.
 * Rejects with a `NetError` (`LOBBY_CLOSED`, `PEER_CONNECT_FAILED`, `PEER_CONNECT_TIMEOUT`: the message says what was tried) or the reason of an aborted signal.
 */
export async function openPeer(lobby: Lobby, options: OpenPeerOptions = {}): Promise<LobbyPeer> {
  const { rtc, ...peerOptions } = options;
  const { logger = silentLogger, signal, wires } = options;
  const servers = await orAborted(lobby.iceServers(), signal);
  const createPeerConnection = await loadWebRtc({ iceServers: [...servers], ...rtc }, logger);
  const hasGns = lobby.me.capabilities.includes('gns') && (wires?.includes('gns') ?? true);
  const gns = hasGns ? await LobbyGnsWires.open(lobby, { servers, logger }) : undefined;
  const environment = {
    crypto: nodeCrypto,
    scheduler: nodeScheduler,
    sockets: nodeSockets,
    loadSealing: async () => nodeCrypto,
    createPeerConnection,
    openGns: gns && ((...wanted: Parameters<OpenGns>) => gns.wire(...wanted)),
  };
  try {
    const peer = await LobbyPeer.open(lobby, environment, peerOptions);
    peer.events.on('statusChanged', ({ status }) => {
      if (status !== 'disconnected' || gns === undefined) return;
      // By then its close is under way: the last words leave by the wires, and then these end.
      setImmediate(() => void peer.close().then(() => gns.close()));
    });
    return peer;
  } catch (error) {
    await gns?.close();
    throw error;
  }
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
