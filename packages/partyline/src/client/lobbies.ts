import type { NetError } from '../base/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type {
  LobbySummary,
  Notifications,
  Params,
  Results,
  Lobby as WireLobby,
} from './generated/protocol.ts';
import { type JoinTarget, resolveJoinTarget } from './invite-link.ts';
import { Lobby } from './lobby.ts';
import type { CallSettings, SessionPort } from './session-port.ts';

/** Defaults: a private, joinable lobby for 8 without a name. */
export type CreateLobbyOptions = Omit<Params['lobby.create'], 'capabilities'> & CallSettings;

export interface JoinLobbyOptions extends CallSettings {
  /** Your keys from the first moment on. Default none. */
  readonly memberData?: Readonly<Record<string, string>> | undefined;
}

/** Every filter must match. `limit` defaults to 50. */
export type ListLobbiesOptions = Params['lobby.list'] & CallSettings;

type Joined = Results['lobby.join'];

/** The lobbies of a session: the doors into them, and those you are in. */
export class Lobbies {
  readonly #port: SessionPort;
  readonly #joined = new Map<string, Lobby>();

  /** For the session only. */
  constructor(port: SessionPort) {
    this.#port = port;
  }

  /** By lobby id. After a reload of the page the lobbies that kept your seat are here. */
  get joined(): ReadonlyMap<string, Lobby> {
    return this.#joined;
  }

  create({ signal, ...options }: CreateLobbyOptions = {}): Promise<Lobby> {
    const params = { ...options, capabilities: this.#port.capabilities };
    return this.#port.call('lobby.create', params, this.#entering(signal));
  }

  /**
   * By code, id, invite token, or any text that people paste: a link, or a code in any spelling.
   * Rejects with `LOBBY_UNAVAILABLE` when it is missing, full, locked or not open to you.
   */
  async join(
    target: JoinTarget | string,
    { signal, memberData }: JoinLobbyOptions = {},
  ): Promise<Lobby> {
    const params = {
      by: resolveJoinTarget(target),
      memberData,
      capabilities: this.#port.capabilities,
    };
    return await this.#port.call('lobby.join', params, this.#entering(signal));
  }

  list({ signal, ...params }: ListLobbiesOptions = {}): Promise<readonly LobbySummary[]> {
    return this.#port.call('lobby.list', params, { signal, accept: ({ lobbies }) => lobbies });
  }

  /** For the session only. */
  handleChanged(params: Notifications['lobby.changed']): void {
    const lobby = this.#joined.get(params.lobby);
    if (lobby) lobby.handleChanged(params);
    else this.#port.counts.unexpected++;
  }

  /** For the session only. */
  handleChatted(params: Notifications['lobby.chatted']): void {
    const lobby = this.#joined.get(params.lobby);
    if (lobby) lobby.handleChatted(params);
    else this.#port.counts.unexpected++;
  }

  /** For the session only. A member id is unique among the lobbies that a player shares. */
  handleSignal(from: MemberId, payload: Uint8Array): void {
    for (const lobby of this.#joined.values()) {
      if (!lobby.has(from)) continue;
      lobby.handleSignal(from, payload);
      return;
    }
    this.#port.counts.signalsRefused++;
  }

  /**
   * For the session only: what the server holds after a resume.
   * @param isReload a page came back: every lobby is taken. Otherwise one that is not known here was
   * entered by a call whose answer got lost and which was told so: it is left, so that trying again works.
   */
  handleResumed(held: readonly Joined[], isReload: boolean): void {
    const ids = new Set(held.map(({ lobby }) => lobby.id));
    for (const lobby of [...this.#joined.values()]) {
      if (!ids.has(lobby.id)) lobby.handleEnd('expired', 'the seat was not held any longer');
    }
    for (const { lobby, you } of held) {
      const known = this.#joined.get(lobby.id);
      try {
        if (known?.me.id === you) known.handleState(lobby);
        else if (isReload) this.#enter(lobby, you);
        else this.#leave(lobby.id);
      } catch (error) {
        // One lobby that makes no sense is no reason to lose the others.
        this.#port.logger.warn({ err: error, lobby: lobby.id }, 'a lobby was not understood');
        this.#leave(lobby.id);
        known?.handleEnd('unknown', 'the server said what this client does not understand');
      }
    }
  }

  /** For the session only. */
  handleSessionEnded(error: NetError): void {
    for (const lobby of [...this.#joined.values()]) lobby.handleEnd('sessionEnded', error.message);
  }

  #entering(signal: AbortSignal | undefined): {
    signal: AbortSignal | undefined;
    accept: (result: Joined) => Lobby;
    late: (result: Joined) => void;
  } {
    return {
      signal,
      accept: ({ lobby, you }) => this.#enter(lobby, you),
      // The caller was told that it failed: nobody holds this seat.
      late: ({ lobby }) => this.#leave(lobby.id),
    };
  }

  #enter(lobby: WireLobby, you: MemberId): Lobby {
    const entered = new Lobby(this.#port, lobby, you, ({ id }) => this.#joined.delete(id));
    this.#joined.get(lobby.id)?.handleEnd('unknown', 'entered anew');
    this.#joined.set(lobby.id, entered);
    return entered;
  }

  #leave(lobby: string): void {
    // Whatever comes back, the seat is not ours to keep: a failed leave ends when the session does.
    this.#port.call('lobby.leave', { lobby }).catch(() => {});
  }
}
