import type { Logger, Millis } from '../base/index.ts';
import type { LobbyMember } from '../client/index.ts';
import { type PeerId, SERVER } from '../multiplayer/index.ts';
import type { MemberId } from '../signaling/index.ts';
import {
  type PeerConnectionLike,
  WebRtcSession,
  type WebRtcSessionHandlers,
} from '../webrtc/index.ts';
import { MemberWires, type WireTiming, wireTiming } from './member-wires.ts';
import type { PeerEnvironment, PeerLobby } from './peer-environment.ts';
import { RelayLine } from './relay-line.ts';
import type { StarPeer } from './star-peer.ts';

/** A member gets new wires at most so often, in milliseconds: peer connections are not free. */
const REOPEN_SPACING_MS = 1000;

export interface MemberLinksOptions {
  readonly lobby: PeerLobby;
  readonly environment: PeerEnvironment;
  /** Whose links they are. */
  readonly star: StarPeer;
  readonly logger: Logger;
  /** Which wires may be used. */
  readonly wires: readonly ('gns' | 'webrtc' | 'relay')[];
  readonly timing: Partial<WireTiming> | undefined;
  /** The relay is being opened here: that member should open it too. */
  readonly onRelayWanted: (member: MemberId) => void;
}

/** The link to one member, and what carries it. */
export interface MemberLink {
  readonly member: MemberId;
  readonly peer: PeerId;
  /** Of the other side's peer; 0 until it knocked. */
  readonly incarnation: number;
  readonly wires: MemberWires;
}

/** The links of one epoch to other members: makes their wires, of what both sides can, and stops them with the link. */
export class MemberLinks {
  readonly #options: MemberLinksOptions;
  readonly #epoch: number;
  readonly #relay: RelayLine;
  readonly #links = new Map<MemberId, MemberLink>();
  /** When each member got wires last. */
  readonly #openedAt = new Map<MemberId, Millis>();
  /** How the ways to the host went, kept for the error when they are gone. */
  #evidence = '';
  #isHopeless = false;

  constructor(options: MemberLinksOptions) {
    this.#options = options;
    this.#epoch = options.lobby.epoch;
    this.#relay = this.#createRelay();
  }

  /** A link ended because no way was left that could still succeed. */
  get isHopeless(): boolean {
    return this.#isHopeless;
  }

  get(member: MemberId): MemberLink | undefined {
    return this.#links.get(member);
  }

  /** What was tried to reach a peer, and how it went, one line. */
  explain(id: PeerId): string {
    for (const { peer, wires } of this.#links.values()) if (peer === id) return wires.evidence;
    return id === SERVER ? this.#evidence : '';
  }

  /** In place of the link that the member has, if it did not get one just now. */
  reopen(member: LobbyMember, incarnation: number): void {
    if (!this.#mayReopen(member.id)) return;
    const link = this.#links.get(member.id);
    if (link) this.#endNow(link, 'connected anew');
    const { star, logger } = this.#options;
    if (star.hasLink(member.peer) || member.peer === star.id) {
      logger.warn({ member: member.id, peer: member.peer }, 'a number that another member has');
      return;
    }
    this.open(member, member.peer, incarnation);
  }

  open(member: LobbyMember, peer: PeerId, incarnation: number): void {
    const { star } = this.#options;
    const wires = this.#createWires(member, peer);
    const link: MemberLink = { member: member.id, peer, incarnation, wires };
    star.openLink(peer, {
      onEnded: () => {
        if (peer === SERVER) this.#evidence = wires.evidence;
      },
      onReleased: () => {
        wires.stop();
        if (this.#links.get(member.id) === link) this.#links.delete(member.id);
      },
    });
    this.#links.set(member.id, link);
    wires.start();
  }

  /** The member left the lobby and does not come back under this id. */
  forget(member: MemberId): void {
    this.#openedAt.delete(member);
  }

  /** After the star was closed. */
  stop(): void {
    for (const { wires } of this.#links.values()) wires.stop();
    this.#links.clear();
    this.#relay.close();
  }

  /** At once: the same member is about to get new wires. */
  #endNow({ member, peer, wires }: MemberLink, reason: string): void {
    this.#links.delete(member);
    this.#options.star.closeLink(peer, reason);
    wires.stop();
  }

  #mayReopen(member: MemberId): boolean {
    const now = this.#options.environment.scheduler.now();
    const last = this.#openedAt.get(member);
    if (last !== undefined && now - last < REOPEN_SPACING_MS) return false;
    this.#openedAt.set(member, now);
    return true;
  }

  #createRelay(): RelayLine {
    const { environment, lobby, logger } = this.#options;
    const { crypto, scheduler, sockets, loadSealing } = environment;
    return new RelayLine({
      url: lobby.relayUrl,
      sockets,
      scheduler,
      crypto,
      loadSealing,
      logger,
      scope: { app: lobby.app, lobby: lobby.id, epoch: this.#epoch, local: lobby.me.id },
      ticket: () => lobby.relayTicket(),
      sign: (envelope) => lobby.sign(envelope),
      keyOf: (member) => lobby.identityOf(member).publicKey,
    });
  }

  #createWires({ id, capabilities }: LobbyMember, peer: PeerId): MemberWires {
    const { environment, lobby, logger, onRelayWanted, star, timing, wires } = this.#options;
    const { scheduler, createPeerConnection, openGns } = environment;
    const both = (kind: 'gns' | 'webrtc' | 'relay'): boolean =>
      wires.includes(kind) && capabilities.includes(kind) && lobby.me.capabilities.includes(kind);
    const canGns = openGns !== undefined && both('gns');
    const canWebRtc = createPeerConnection !== undefined && both('webrtc');
    const openWebRtc = canWebRtc
      ? (handlers: WebRtcSessionHandlers) => this.#openWebRtc(id, createPeerConnection, handlers)
      : undefined;
    return new MemberWires({
      member: id,
      scheduler,
      logger,
      timing: { ...wireTiming, ...timing },
      openWebRtc: canGns ? (handlers) => openGns(id, handlers) : openWebRtc,
      directKind: canGns ? 'gns' : 'webrtc',
      relay: both('relay') ? this.#relay : undefined,
      handlersFor: (wire) => star.wireHandlers(peer, wire),
      attach: (wire) => star.attach(peer, wire),
      onRelayWanted: () => onRelayWanted(id),
      onHopeless: () => {
        this.#isHopeless = true;
        star.closeLink(peer, 'no wire is left');
      },
    });
  }

  #openWebRtc(
    remote: MemberId,
    createPeerConnection: () => PeerConnectionLike,
    handlers: WebRtcSessionHandlers,
  ): WebRtcSession {
    const { environment, lobby, logger } = this.#options;
    const { crypto, scheduler } = environment;
    return new WebRtcSession({
      context: {
        app: lobby.app,
        lobby: lobby.id,
        epoch: this.#epoch,
        local: lobby.me.id,
        remote,
        remoteKey: lobby.identityOf(remote).publicKey,
      },
      sign: (bytes) => lobby.sign(bytes),
      crypto,
      scheduler,
      createPeerConnection,
      sendSignal: (payload) => lobby.signaling.send(remote, payload),
      handlers,
      logger,
    });
  }
}
