import type { LobbyMember } from '../client/index.ts';
import type { PeerId } from '../multiplayer/index.ts';
import type { PeerLobby } from './peer-environment.ts';

/** Members remembered; of those who left, the oldest is forgotten for a new one. */
const MAX_KNOWN = 1000;

/** Who has which number; still known when they have left, or all got new numbers. */
export class KnownMembers {
  readonly #lobby: Pick<PeerLobby, 'member'>;
  readonly #numberOf: (member: LobbyMember) => PeerId;
  readonly #known = new Map<PeerId, LobbyMember>();

  constructor(
    lobby: Pick<PeerLobby, 'member' | 'members'>,
    numberOf: (member: LobbyMember) => PeerId,
  ) {
    this.#lobby = lobby;
    this.#numberOf = numberOf;
    for (const member of lobby.members) this.add(member);
  }

  add(member: LobbyMember): void {
    if (this.#known.size >= MAX_KNOWN) this.#forgetOne();
    this.#known.set(this.#numberOf(member), member);
  }

  /** As of now; who left or has another number by now: as of then. */
  get(id: PeerId): LobbyMember | undefined {
    const known = this.#known.get(id);
    const now = known && this.#lobby.member(known.id);
    return now && this.#numberOf(now) === id ? now : known;
  }

  #forgetOne(): void {
    for (const [id, member] of this.#known) {
      if (this.#lobby.member(member.id)) continue;
      this.#known.delete(id);
      return;
    }
  }
}
