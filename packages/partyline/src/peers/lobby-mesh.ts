import type { Cancel } from '../base/index.ts';
import type { LobbyMember } from '../client/index.ts';
import type { PeerId } from '../multiplayer/index.ts';
import type { MemberId } from '../signaling/index.ts';
import { Introductions } from './introductions.ts';
import { KnownMembers } from './known-members.ts';
import type { LobbyTopology, LobbyTopologyOptions } from './lobby-topology.ts';
import { MemberLinks } from './member-links.ts';
import { MeshPeer } from './mesh-peer.ts';
import { decodeMeshSignal, encodeGreeting, encodeWireSignal } from './mesh-signals.ts';

/** Before a member is asked for the relay again that did not open, in milliseconds; signals get lost. */
const ASK_AGAIN_MS = 2000;

/**
 * A mesh of a lobby's members, whose numbers are their member ids: the one number that a member keeps
 * as long as it has its seat, whoever owns the lobby (docs/adr/0035). Links live until a side ends
 * them, is silent, or leaves the lobby; what was lost is sought again.
 */
export class LobbyMesh implements LobbyTopology {
  readonly peer: MeshPeer;
  readonly #options: LobbyTopologyOptions;
  readonly #links: MemberLinks;
  readonly #members: KnownMembers;
  readonly #introductions: Introductions;
  readonly #askAgain = new Map<MemberId, Cancel>();

  /** @throws NetError `OPTIONS_INVALID` when the own member id has more than 31 bits */
  constructor(options: LobbyTopologyOptions) {
    const { lobby, environment, logger, schema, wires, timing } = options;
    const { crypto, scheduler } = environment;
    this.#options = options;
    this.peer = new MeshPeer(lobby.me.id, { scheduler, logger, schema });
    this.#members = new KnownMembers(lobby, ({ id }) => id);
    this.#links = new MemberLinks({
      lobby,
      environment,
      peer: this.peer,
      logger,
      wires,
      timing,
      numberOf: ({ id }) => id,
      epochOf: (tag) => tag,
      sendSignal: ({ member, tag }, payload) =>
        lobby.signaling.send(member, encodeWireSignal(tag, payload)),
      onRelayWanted: (member) => this.#askForRelay(member),
      onEnded: ({ member, tag }, isFinal) => this.#introductions.end(member, tag, isFinal),
    });
    this.#introductions = new Introductions({
      scheduler,
      local: lobby.me.id,
      draw: () => new DataView(crypto.randomBytes(4).buffer).getUint32(0) || 1,
      send: (to, greeting) => lobby.signaling.send(to, encodeGreeting(greeting)),
      isPresent: (id) => lobby.member(id)?.connected ?? false,
      mayOpen: (id) => this.#links.mayOpen(id),
      open: (id, tag) => {
        const member = lobby.member(id);
        if (member) this.#links.open(member, tag);
      },
      onRelayWanted: (id) => this.#links.get(id)?.wires.handleRelayWanted(),
    });
    this.peer.events.on('peerConnected', ({ id }) => this.#introductions.settle(id));
  }

  start(): void {
    const { members, me } = this.#options.lobby;
    const ids = members.map(({ id }) => id);
    const at = ids.indexOf(me.id);
    // Each begins with another one, so that not all greet the same few at once.
    for (const id of [...ids.slice(at + 1), ...ids.slice(0, at)]) this.#introductions.meet(id);
  }

  pause(): void {
    this.#introductions.stop();
    for (const cancel of this.#askAgain.values()) cancel();
    this.#askAgain.clear();
  }

  stop(): void {
    this.#links.stop();
  }

  memberOf(id: PeerId): LobbyMember | undefined {
    return this.#members.get(id);
  }

  explain(id: PeerId): string {
    return this.#links.explain(id);
  }

  failure(reason: string): string {
    return reason;
  }

  handleSignal(from: MemberId, payload: Uint8Array): void {
    const signal = decodeMeshSignal(payload);
    if (signal?.type === 'greeting') {
      if (this.#options.lobby.member(from)) this.#introductions.handle(from, signal.greeting);
    } else if (signal?.type === 'wire') {
      // Of the link before this one, or of one that is not open here yet: it is sent again.
      const link = this.#links.get(from);
      if (link?.tag === signal.tag) link.wires.handleSignal(signal.payload);
    }
  }

  /** Who comes greets those who are there. */
  handleJoined(member: LobbyMember): void {
    this.#members.add(member);
  }

  handleLeft({ id }: LobbyMember, reason: string): void {
    this.#introductions.forget(id);
    this.#cancelAsking(id);
    const link = this.#links.get(id);
    if (link) this.peer.closeLink(link.peer, reason);
    this.#links.forget(id);
  }

  /** Its links may well work without the server; if not, they end of silence. */
  handleDropped(): void {}

  handleReturned({ id }: LobbyMember): void {
    this.#introductions.meet(id);
  }

  /** No number changes, and nobody's link depends on who owns the lobby. */
  handleOwnerChanged(): void {}

  /** Again until it is there: the other side may have heard nothing yet of what it lost. */
  #askForRelay(member: MemberId): void {
    this.#cancelAsking(member);
    if (!this.#links.get(member)?.wires.wantsRelay) return;
    this.#introductions.askForRelay(member);
    const { scheduler } = this.#options.environment;
    const cancel = scheduler.after(ASK_AGAIN_MS, () => this.#askForRelay(member));
    this.#askAgain.set(member, cancel);
  }

  #cancelAsking(member: MemberId): void {
    this.#askAgain.get(member)?.();
    this.#askAgain.delete(member);
  }
}
