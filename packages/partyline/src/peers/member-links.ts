import type { Logger, Millis } from '../base/index.ts';
import type { LobbyMember } from '../client/index.ts';
import type { PeerId } from '../multiplayer/index.ts';
import type { MemberId } from '../signaling/index.ts';
import {
  WebRtcSession,
  type WebRtcSessionHandlers,
  type WebRtcSessionOptions,
} from '../webrtc/index.ts';
import type { LinkedPeer } from './linked-peer.ts';
import { MemberWires, type WireTiming, wireTiming } from './member-wires.ts';
import type { PeerEnvironment, PeerLobby } from './peer-environment.ts';
import { RelayLine } from './relay-line.ts';

/** A member gets new wires at most so often, in milliseconds: peer connections are not free. */
const REOPEN_SPACING_MS = 1000;

export interface MemberLinksOptions {
  readonly lobby: PeerLobby;
  readonly environment: PeerEnvironment;
  /** Whose links they are. */
  readonly peer: LinkedPeer;
  readonly logger: Logger;
  /** Which wires may be used. */
  readonly wires: readonly ('gns' | 'webrtc' | 'relay')[];
  readonly timing: Partial<WireTiming> | undefined;
  /** The peer's number for a member. */
  readonly numberOf: (member: LobbyMember) => PeerId;
  /** What both sides sign as the epoch of a link's wires. */
  readonly epochOf: (tag: number) => number;
  readonly sendSignal: (link: MemberLink, payload: Uint8Array) => void;
  /** The relay is being opened here: that member should open it too. */
  readonly onRelayWanted: (member: MemberId) => void;
  /** `isFinal`: one of both wanted it so. Not for a link that another one took the place of. */
  readonly onEnded?: ((link: MemberLink, isFinal: boolean) => void) | undefined;
}

/** The link to one member, and what carries it. */
export interface MemberLink {
  readonly member: MemberId;
  readonly peer: PeerId;
  /** Tells it from the links before and after it to the same member. */
  readonly tag: number;
  readonly wires: MemberWires;
}

/** The links of one peer to other members: makes their wires, of what both sides can, and stops them with the link. */
export class MemberLinks {
  readonly #options: MemberLinksOptions;
  readonly #relay: RelayLine;
  readonly #links = new Map<MemberId, MemberLink>();
  /** When each member got wires last. */
  readonly #openedAt = new Map<MemberId, Millis>();
  /** How the ways to members went whose links are over. */
  readonly #evidence = new Map<MemberId, string>();
  #isHopeless = false;

  constructor(options: MemberLinksOptions) {
    this.#options = options;
    this.#relay = this.#createRelay();
  }

  /** A link ended because no way was left that could still succeed. */
  get isHopeless(): boolean {
    return this.#isHopeless;
  }

  get(member: MemberId): MemberLink | undefined {
    return this.#links.get(member);
  }

  /** What was tried to reach a member, and how it went, one line. */
  explain(member: MemberId): string {
    return this.#links.get(member)?.wires.evidence ?? this.#evidence.get(member) ?? '';
  }

  /** Whether a member got wires so long ago that it may get others. */
  mayOpen(member: MemberId): boolean {
    const last = this.#openedAt.get(member);
    return last === undefined || this.#now() - last >= REOPEN_SPACING_MS;
  }

  /** In place of the link that the member has. Does nothing when another member has its number. */
  open(member: LobbyMember, tag: number): void {
    const { peer, logger, numberOf } = this.#options;
    const id = numberOf(member);
    const before = this.#links.get(member.id);
    if (before) this.#endNow(before, 'connected anew');
    this.#openedAt.set(member.id, this.#now());
    if (peer.hasLink(id) || id === peer.id) {
      logger.warn({ member: member.id, peer: id }, 'a number that another member has');
      return;
    }
    const link: MemberLink = {
      member: member.id,
      peer: id,
      tag,
      wires: this.#createWires(member, id, tag, () => link),
    };
    this.#links.set(member.id, link);
    peer.openLink(id, {
      onEnded: (_reason, isFinal) => this.#handleEnded(link, isFinal),
      onReleased: () => {
        link.wires.stop();
        if (this.#links.get(member.id) === link) this.#links.delete(member.id);
      },
    });
    link.wires.start();
  }

  /** The member left the lobby and does not come back under this id. */
  forget(member: MemberId): void {
    this.#openedAt.delete(member);
    this.#evidence.delete(member);
  }

  /** After the peer was closed. */
  stop(): void {
    for (const { wires } of this.#links.values()) wires.stop();
    this.#links.clear();
    this.#relay.close();
  }

  /** At once: the same member is about to get new wires. */
  #endNow({ member, peer, wires }: MemberLink, reason: string): void {
    this.#links.delete(member);
    this.#options.peer.closeLink(peer, reason);
    wires.stop();
  }

  #handleEnded(link: MemberLink, isFinal: boolean): void {
    if (this.#links.get(link.member) !== link) return;
    if (this.#options.lobby.member(link.member)) {
      this.#evidence.set(link.member, link.wires.evidence);
    }
    this.#options.onEnded?.(link, isFinal);
  }

  #now(): Millis {
    return this.#options.environment.scheduler.now();
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
      scope: { app: lobby.app, lobby: lobby.id, local: lobby.me.id },
      ticket: () => lobby.relayTicket(),
      sign: (envelope) => lobby.sign(envelope),
      keyOf: (member) => lobby.identityOf(member).publicKey,
    });
  }

  #createWires(
    { id, capabilities }: LobbyMember,
    number: PeerId,
    tag: number,
    link: () => MemberLink,
  ): MemberWires {
    const { environment, epochOf, lobby, logger, onRelayWanted, peer, timing, wires } =
      this.#options;
    const { scheduler, createPeerConnection, openGns } = environment;
    const epoch = epochOf(tag);
    const sendSignal = (payload: Uint8Array): void => this.#options.sendSignal(link(), payload);
    const both = (kind: 'gns' | 'webrtc' | 'relay'): boolean =>
      wires.includes(kind) && capabilities.includes(kind) && lobby.me.capabilities.includes(kind);
    const canGns = openGns !== undefined && both('gns');
    const canWebRtc = createPeerConnection !== undefined && both('webrtc');
    const openWebRtc = canWebRtc
      ? (handlers: WebRtcSessionHandlers) =>
          this.#openWebRtc(id, epoch, { createPeerConnection, sendSignal, handlers })
      : undefined;
    return new MemberWires({
      member: id,
      epoch,
      scheduler,
      logger,
      timing: { ...wireTiming, ...timing },
      openWebRtc: canGns ? (handlers) => openGns(id, handlers, sendSignal) : openWebRtc,
      directKind: canGns ? 'gns' : 'webrtc',
      relay: both('relay') ? this.#relay : undefined,
      handlersFor: (wire) => peer.wireHandlers(number, wire),
      attach: (wire) => peer.attach(number, wire),
      onRelayWanted: () => onRelayWanted(id),
      onHopeless: () => {
        this.#isHopeless = true;
        peer.closeLink(number, 'no wire is left');
      },
    });
  }

  #openWebRtc(
    remote: MemberId,
    epoch: number,
    io: Pick<WebRtcSessionOptions, 'createPeerConnection' | 'sendSignal' | 'handlers'>,
  ): WebRtcSession {
    const { environment, lobby, logger } = this.#options;
    const { crypto, scheduler } = environment;
    return new WebRtcSession({
      ...io,
      context: {
        app: lobby.app,
        lobby: lobby.id,
        epoch,
        local: lobby.me.id,
        remote,
        remoteKey: lobby.identityOf(remote).publicKey,
      },
      sign: (bytes) => lobby.sign(bytes),
      crypto,
      scheduler,
      logger,
    });
  }
}
