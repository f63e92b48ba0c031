import type { Cancel } from '../base/index.ts';
import type { LobbyMember } from '../client/index.ts';
import { type PeerId, SERVER } from '../multiplayer/index.ts';
import type { MemberId } from '../signaling/index.ts';
import { ClientPeer } from './client-peer.ts';
import { HostPeer } from './host-peer.ts';
import { decodeKnock, encodeKnock, type Knock } from './knock.ts';
import { KnownMembers } from './known-members.ts';
import type { LobbyTopology, LobbyTopologyOptions } from './lobby-topology.ts';
import { MemberLinks } from './member-links.ts';

/** Between two knocks of a client that is not admitted yet, in milliseconds; signals get lost. */
const KNOCK_INTERVAL_MS = 2000;

/**
 * A star for one epoch of a lobby: the owner is the host, the others its clients, with the epoch's
 * numbers. A new owner ends it for everybody (docs/states/peer.md).
 */
export class LobbyStar implements LobbyTopology {
  readonly peer: HostPeer | ClientPeer;
  readonly #options: LobbyTopologyOptions;
  readonly #epoch: number;
  readonly #links: MemberLinks;
  readonly #members: KnownMembers;
  readonly #incarnation: number;
  #cancelKnock: Cancel | undefined;

  constructor(options: LobbyTopologyOptions) {
    const { lobby, environment, logger, schema, wires, timing } = options;
    const { crypto, scheduler } = environment;
    this.#options = options;
    this.#epoch = lobby.epoch;
    this.peer = lobby.isOwner
      ? new HostPeer({ scheduler, logger, schema })
      : new ClientPeer(lobby.me.peer, { scheduler, logger, schema });
    this.#incarnation = new DataView(crypto.randomBytes(4).buffer).getUint32(0) || 1;
    this.#members = new KnownMembers(lobby, ({ peer }) => peer);
    this.#links = new MemberLinks({
      lobby,
      environment,
      peer: this.peer,
      logger,
      wires,
      timing,
      numberOf: ({ peer }) => peer,
      epochOf: () => this.#epoch,
      sendSignal: ({ member }, payload) => lobby.signaling.send(member, payload),
      onRelayWanted: (member) => this.#sendKnock(member, true),
    });
  }

  start(): void {
    if (this.peer instanceof ClientPeer) this.#links.open(this.#options.lobby.owner, 0);
    this.#knock();
  }

  pause(): void {
    this.#cancelKnock?.();
  }

  stop(): void {
    this.#links.stop();
  }

  memberOf(id: PeerId): LobbyMember | undefined {
    return this.#members.get(id);
  }

  explain(id: PeerId): string {
    const member = this.#members.get(id);
    return member ? this.#links.explain(member.id) : '';
  }

  failure(reason: string): string {
    const evidence = this.explain(SERVER);
    return this.#links.isHopeless ? `no wire to the host (${evidence})` : reason;
  }

  handleSignal(from: MemberId, payload: Uint8Array): void {
    const knock = decodeKnock(payload);
    if (knock) this.#handleKnock(from, knock);
    else this.#links.get(from)?.wires.handleSignal(payload);
  }

  handleJoined(member: LobbyMember): void {
    this.#members.add(member);
  }

  handleLeft(member: LobbyMember, reason: string): void {
    this.#links.forget(member.id);
    this.#handleGone(member, reason);
  }

  /** What a host cannot vouch for any more is over; who comes back opens anew. */
  handleDropped(member: LobbyMember): void {
    this.#handleGone(member, 'lost the connection to the server');
  }

  handleReturned(): void {}

  handleOwnerChanged(): void {
    if (this.#options.lobby.epoch === this.#epoch) return;
    const wasHost = this.peer instanceof HostPeer;
    this.#options.onOver(wasHost ? 'the lobby has another host' : 'host left');
  }

  /** A client says that it is there until it is admitted; a host waits to be asked. */
  #knock(): void {
    if (this.peer.status !== 'connecting') return;
    const host = this.#options.lobby.owner.id;
    this.#sendKnock(host, this.#links.get(host)?.wires.wantsRelay ?? false);
    const { scheduler } = this.#options.environment;
    this.#cancelKnock = scheduler.after(KNOCK_INTERVAL_MS, () => this.#knock());
  }

  #sendKnock(to: MemberId, wantsRelay: boolean): void {
    const knock = encodeKnock({ incarnation: this.#incarnation, wantsRelay });
    this.#options.lobby.signaling.send(to, knock);
  }

  #handleKnock(from: MemberId, { incarnation, wantsRelay }: Knock): void {
    const member = this.#options.lobby.member(from);
    const isNew = this.#links.get(from)?.tag !== incarnation;
    const isHost = this.peer instanceof HostPeer;
    if (isHost && isNew && member?.connected && this.#links.mayOpen(from)) {
      this.#links.open(member, incarnation);
    }
    if (wantsRelay) this.#links.get(from)?.wires.handleRelayWanted();
  }

  #handleGone(member: LobbyMember, reason: string): void {
    const link = this.#links.get(member.id);
    if (link?.peer === SERVER) this.#options.onOver('host left');
    else if (link) this.peer.closeLink(link.peer, reason);
  }
}
