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
import { Lobby, type LobbyInputs } from './lobby.ts';
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

/** What the session tells its lobbies. */
export interface LobbiesInputs {
  handleChanged(params: Notifications['lobby.changed']): void;
  handleChatted(params: Notifications['lobby.chatted']): void;
  /** A member id is unique among the lobbies that a player shares. Not verified yet. */
  handleSignal(from: MemberId, payload: Uint8Array): void;
  /**
   * What the server holds after a login or a resume.
   * @param isReload a page came back: every lobby is taken. Otherwise one that is not known here was
   * entered by a call whose answer got lost and which was told so: it is left, so that trying again works.
   */
  handleResumed(held: readonly Joined[], isReload: boolean): void;
  handleEnd(error: NetError): void;
}

/** The lobbies of a session: the doors into them, and those you are in. */
export class Lobbies {
  readonly #port: SessionPort;
  readonly #joined = new Map<string, Lobby>();
  readonly #inputs = new Map<string, LobbyInputs>();

  /** For the session. */
  static open(port: SessionPort): { readonly lobbies: Lobbies; readonly inputs: LobbiesInputs } {
    const lobbies = new Lobbies(port);
    const inputs: LobbiesInputs = {
      handleChanged: (params) => lobbies.#inputsOf(params.lobby)?.handleChanged(params),
      handleChatted: (params) => lobbies.#inputsOf(params.lobby)?.handleChatted(params),
      handleSignal: (from, payload) => lobbies.#handleSignal(from, payload),
      handleResumed: (held, isReload) => lobbies.#handleResumed(held, isReload),
      handleEnd: (error) => lobbies.#handleEnd(error),
    };
    return { lobbies, inputs };
  }

  private constructor(port: SessionPort) {
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

  #inputsOf(lobby: string): LobbyInputs | undefined {
    const inputs = this.#inputs.get(lobby);
    if (!inputs) this.#port.counts.unexpected++;
    return inputs;
  }

  #handleSignal(from: MemberId, payload: Uint8Array): void {
    for (const [id, lobby] of this.#joined) {
      if (!lobby.has(from)) continue;
      this.#inputs.get(id)?.handleSignal(from, payload);
      return;
    }
    this.#port.counts.signalsRefused++;
  }

  #handleResumed(held: readonly Joined[], isReload: boolean): void {
    const ids = new Set(held.map(({ lobby }) => lobby.id));
    for (const [id, inputs] of [...this.#inputs]) {
      if (!ids.has(id)) inputs.handleEnd('expired', 'the seat was not held any longer');
    }
    for (const { lobby, you } of held) this.#takeUp(lobby, you, isReload);
  }

  #takeUp(lobby: WireLobby, you: MemberId, isReload: boolean): void {
    const inputs = this.#inputs.get(lobby.id);
    try {
      if (this.#joined.get(lobby.id)?.me.id === you) {
        inputs?.handleState(lobby);
      } else if (isReload) {
        this.#enter(lobby, you);
      } else {
        inputs?.handleEnd('expired', 'the seat is another one now');
        this.#leave(lobby.id);
      }
    } catch (err) {
      // One lobby that makes no sense is no reason to lose the others.
      this.#port.logger.warn({ err, lobby: lobby.id }, 'a lobby was not understood');
      this.#leave(lobby.id);
      inputs?.handleEnd('unknown', 'the server said what this client does not understand');
    }
  }

  #handleEnd(error: NetError): void {
    for (const inputs of [...this.#inputs.values()]) {
      inputs.handleEnd('sessionEnded', error.message);
    }
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

  #enter(wire: WireLobby, you: MemberId): Lobby {
    const { lobby, inputs } = Lobby.enter(this.#port, wire, you, ({ id }) => {
      this.#joined.delete(id);
      this.#inputs.delete(id);
    });
    this.#inputs.get(wire.id)?.handleEnd('unknown', 'entered anew');
    this.#joined.set(wire.id, lobby);
    this.#inputs.set(wire.id, inputs);
    return lobby;
  }

  #leave(lobby: string): void {
    // Whatever comes back, the seat is not ours to keep: a failed leave ends when the session does.
    this.#port.call('lobby.leave', { lobby }).catch(() => {});
  }
}
