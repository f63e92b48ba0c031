import type { Logger } from '../base/index.ts';
import type { LobbyMember } from '../client/index.ts';
import type { PeerId } from '../multiplayer/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { LinkedPeer } from './linked-peer.ts';
import type { WireTiming } from './member-wires.ts';
import type { PeerEnvironment, PeerLobby } from './peer-environment.ts';

export interface LobbyTopologyOptions {
  readonly lobby: PeerLobby;
  readonly environment: PeerEnvironment;
  readonly logger: Logger;
  /** As `LinkedPeerOptions.schema`. */
  readonly schema: string | undefined;
  /** Which wires may be used. */
  readonly wires: readonly ('gns' | 'webrtc' | 'relay')[];
  readonly timing: Partial<WireTiming> | undefined;
  /** The game is over for everybody: close the peer. */
  readonly onOver: (reason: string) => void;
}

/** Who of a lobby is linked with whom, and how they find each other; `LobbyPeer` tells it what the lobby says. */
export interface LobbyTopology {
  readonly peer: LinkedPeer;
  /** Once; signals come from now on. */
  start(): void;
  /** Nothing is sent any more but the last words of links. */
  pause(): void;
  /** After the peer was closed: releases everything. */
  stop(): void;
  memberOf(id: PeerId): LobbyMember | undefined;
  /** What was tried to reach a peer, and how it went; for people. */
  explain(id: PeerId): string;
  /** Why the peer did not connect, if it ended with this reason; for people. */
  failure(reason: string): string;
  /** Verified; of any content. @throws DecodeError */
  handleSignal(from: MemberId, payload: Uint8Array): void;
  handleJoined(member: LobbyMember): void;
  handleLeft(member: LobbyMember, reason: string): void;
  /** Its seat is held. */
  handleDropped(member: LobbyMember): void;
  handleReturned(member: LobbyMember): void;
  handleOwnerChanged(): void;
}
