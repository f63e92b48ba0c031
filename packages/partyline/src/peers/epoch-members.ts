import type { LobbyMember } from '../client/index.ts';
import type { PeerId } from '../multiplayer/index.ts';
import type { PeerLobby } from './peer-environment.ts';

/** Members remembered; of those who left, the oldest is forgotten for a new one. */
const MAX_KNOWN = 1000;

/** Who has which number in one epoch; still known when they have left, or all got new numbers. */
export class EpochMembers {
  readonly #lobby: Pick<PeerLobby, 'epoch' | 'member' | 'members'>;
  readonly #epoch: number;
  readonly #known = new Map<PeerId, LobbyMember>();

  constructor(lobby: Pick<PeerLobby, 'epoch' | 'member' | 'members'>) {
    this.#lobby = lobby;
    this.#epoch = lobby.epoch;
    for (const member of lobby.members) this.add(member);
  }

  add(member: LobbyMember): void {
    if (this.#known.size >= MAX_KNOWN) this.#forgetOne();
    this.#known.set(member.peer, member);
  }

  /** As of now; who left or has another number by now: as of then. */
  get(id: PeerId): LobbyMember | undefined {
    const known = this.#known.get(id);
    if (!known || this.#lobby.epoch !== this.#epoch) return known;
    return this.#lobby.member(known.id) ?? known;
  }

  #forgetOne(): void {
    for (const [id, member] of this.#known) {
      if (this.#lobby.member(member.id)) continue;
      this.#known.delete(id);
      return;
    }
  }
}
