import type { Scheduler } from '../base/index.ts';
import type { Lobby, SocketFactory } from '../client/index.ts';
import type { Crypto, SealingCrypto } from '../crypto/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { PeerConnectionLike, WebRtcSessionHandlers } from '../webrtc/index.ts';
import type { SignaledWire } from './member-wires.ts';

/** What a peer needs of its lobby. */
export type PeerLobby = Pick<
  Lobby,
  | 'id'
  | 'app'
  | 'epoch'
  | 'me'
  | 'owner'
  | 'isOwner'
  | 'isClosed'
  | 'members'
  | 'member'
  | 'events'
  | 'signaling'
  | 'relayUrl'
  | 'relayTicket'
  | 'identityOf'
  | 'sign'
>;

export type OpenGns = (
  member: MemberId,
  handlers: WebRtcSessionHandlers,
  sendSignal: (payload: Uint8Array) => void,
) => SignaledWire;

/** What the shells give: the machine. */
export interface PeerEnvironment {
  readonly crypto: Crypto;
  readonly scheduler: Scheduler;
  readonly sockets: SocketFactory;
  /** Called when the relay is needed for the first time. */
  readonly loadSealing: () => Promise<SealingCrypto>;
  /** `undefined` where there is no WebRTC. */
  readonly createPeerConnection: (() => PeerConnectionLike) | undefined;
  /** A GNS connection to a member, by signals that `sendSignal` takes to it; absent where there is no GNS. */
  readonly openGns?: OpenGns | undefined;
}
