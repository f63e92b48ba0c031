import { type Cancel, NetError } from '../base/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { Notifications, Lobby as WireLobby } from './generated/protocol.ts';
import type { LobbyStep } from './lobby-events.ts';
import {
  adoptLobbyState,
  applyChange,
  changesBetween,
  type LeaveCause,
  type LobbyMember,
  type LobbyState,
  memberOf,
} from './lobby-state.ts';
import type { SessionPort } from './session-port.ts';

/** Before asking again for a state that came too old or not at all, in milliseconds. */
const RESYNC_DELAY_MS = 1000;

export interface ReplicaHandlers {
  /** The state is the new one already. */
  handleSteps(steps: readonly LobbyStep[]): void;
  /** You are not a member any more. */
  handleGone(cause: LeaveCause, reason: string): void;
}

/** The server's state of one lobby, followed revision by revision; after a gap it is fetched whole. */
export class LobbyReplica {
  readonly #port: SessionPort;
  readonly #you: MemberId;
  readonly #handlers: ReplicaHandlers;
  #state: LobbyState;
  #me: LobbyMember;
  /** The newest revision heard of; ahead of the state while that is fetched. */
  #newestRevision: number;
  #isFetching = false;
  #cancelResync: Cancel | undefined;
  #isClosed = false;

  /** @throws NetError `SERVER_MESSAGE_INVALID` */
  constructor(port: SessionPort, lobby: WireLobby, you: MemberId, handlers: ReplicaHandlers) {
    this.#port = port;
    this.#you = you;
    this.#handlers = handlers;
    this.#state = adoptLobbyState(lobby, you);
    this.#me = this.member(you);
    this.#newestRevision = this.#state.revision;
  }

  get state(): LobbyState {
    return this.#state;
  }

  get me(): LobbyMember {
    return this.#me;
  }

  /** @throws NetError `LOBBY_MEMBER_UNKNOWN` */
  member(id: MemberId): LobbyMember {
    const member = memberOf(this.#state, id);
    if (!member) throw new NetError('LOBBY_MEMBER_UNKNOWN', `no member ${id} in this lobby`);
    return member;
  }

  handleChanged({ revision, events }: Notifications['lobby.changed']): void {
    if (this.#isClosed || revision <= this.#state.revision) return;
    const goodbye = events.find(
      (event) => event.type === 'memberLeft' && event.member === this.#you,
    );
    if (goodbye?.type === 'memberLeft') {
      this.#handlers.handleGone(goodbye.cause, goodbye.reason);
      return;
    }
    this.#newestRevision = Math.max(this.#newestRevision, revision);
    if (this.#isFetching) return;
    const steps =
      revision === this.#state.revision + 1 ? stepsFrom(this.#state, events) : undefined;
    if (steps) {
      this.#setState({ ...(steps.at(-1)?.after ?? this.#state), revision });
      this.#handlers.handleSteps(steps);
    } else {
      void this.#fetch();
    }
  }

  /** The whole state, told as the differences. @throws NetError `SERVER_MESSAGE_INVALID` */
  handleState(lobby: WireLobby): void {
    if (this.#isClosed || lobby.revision < this.#state.revision) return;
    const after = adoptLobbyState(lobby, this.#you);
    const before = this.#state;
    this.#setState(after);
    const changes = changesBetween(before, after);
    this.#handlers.handleSteps(changes.map((change) => ({ change, before, after })));
  }

  /** Nothing changes any more. */
  close(): void {
    this.#isClosed = true;
    this.#cancelResync?.();
  }

  #setState(state: LobbyState): void {
    this.#state = state;
    this.#me = this.member(this.#you);
    this.#newestRevision = Math.max(this.#newestRevision, state.revision);
  }

  /** A revision was missed: ask for the whole, until it is as new as what was heard of. */
  async #fetch(): Promise<void> {
    const { id, revision } = this.#state;
    this.#isFetching = true;
    this.#port.logger.debug({ lobby: id, revision }, 'lobby revision missed');
    const accept = ({ lobby }: { lobby: WireLobby }): void => this.handleState(lobby);
    try {
      await this.#port.call('lobby.get', { lobby: id }, { accept });
    } catch (error) {
      if (error instanceof NetError && error.code === 'LOBBY_NOT_MEMBER' && !this.#isClosed) {
        this.#handlers.handleGone('unknown', error.message);
      }
      this.#port.logger.debug({ err: error, lobby: id }, 'lobby not fetched');
    }
    this.#isFetching = false;
    if (this.#isBehind()) {
      this.#cancelResync?.();
      this.#cancelResync = this.#port.scheduler.after(RESYNC_DELAY_MS, () => {
        if (this.#isBehind() && !this.#isFetching) void this.#fetch();
      });
    }
  }

  #isBehind(): boolean {
    return !this.#isClosed && this.#newestRevision > this.#state.revision;
  }
}

/** All changes of one revision, or `undefined` when they do not lead to a state that can be. */
function stepsFrom(
  state: LobbyState,
  changes: Notifications['lobby.changed']['events'],
): LobbyStep[] | undefined {
  const steps: LobbyStep[] = [];
  let before = state;
  for (const change of changes) {
    const after = applyChange(before, change);
    if (!after) return undefined;
    steps.push({ change, before, after });
    before = after;
  }
  return memberOf(before, before.owner) && steps;
}
