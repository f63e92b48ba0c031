import { Emitter, NetError } from '../base/index.ts';
import type { VerifiedCert } from '../cert/verify/index.ts';
import type { MemberId, Signaling } from '../signaling/index.ts';
import type {
  LobbyType,
  MethodName,
  Notifications,
  Params,
  Results,
  Lobby as WireLobby,
} from './generated/protocol.ts';
import type { IceServer } from './ice-servers.ts';
import { inviteLink } from './invite-link.ts';
import { announce, type LobbyCloseCode, type LobbyEvents, type LobbyStep } from './lobby-events.ts';
import { LobbyReplica } from './lobby-replica.ts';
import { LobbySignaling } from './lobby-signaling.ts';
import { type LobbyMember, memberOf } from './lobby-state.ts';
import type { CallSettings, PortCallSettings, SessionPort } from './session-port.ts';

/** What {@link Lobby.setSettings} changes; what is left out stays. */
export interface LobbySettings {
  readonly type?: LobbyType | undefined;
  readonly name?: string | undefined;
  readonly capacity?: number | undefined;
  readonly joinable?: boolean | undefined;
}

/** Key → value; `null` deletes the key. */
export type DataPatch = Readonly<Record<string, string | null>>;

/** What the session tells a lobby. */
export interface LobbyInputs {
  handleChanged(params: Notifications['lobby.changed']): void;
  handleChatted(params: Notifications['lobby.chatted']): void;
  /** Not verified yet. */
  handleSignal(from: MemberId, payload: Uint8Array): void;
  /** @throws NetError `SERVER_MESSAGE_INVALID` */
  handleState(lobby: WireLobby): void;
  /** Idempotent. */
  handleEnd(code: LobbyCloseCode, reason: string): void;
}

/**
 * A lobby you are in. What it shows is the server's last word in order of revisions; its methods
 * ask the server, reject with a `NetError`, and the change shows up as an event.
 */
export class Lobby {
  /** Opaque bytes to the members, best effort; what comes out is verified and of this epoch. */
  readonly signaling: Signaling;
  readonly #signaling: LobbySignaling;
  readonly #events = new Emitter<LobbyEvents>();
  readonly #port: SessionPort;
  readonly #you: MemberId;
  #verified: Map<string, VerifiedCert> | undefined;
  readonly #handleClosed: (lobby: Lobby) => void;
  readonly #replica: LobbyReplica;
  #isClosed = false;

  /** For {@link Lobbies}. @throws NetError `SERVER_MESSAGE_INVALID` */
  static enter(
    port: SessionPort,
    lobby: WireLobby,
    you: MemberId,
    handleClosed: (lobby: Lobby) => void,
  ): { readonly lobby: Lobby; readonly inputs: LobbyInputs } {
    const entered = new Lobby(port, lobby, you, handleClosed);
    const inputs: LobbyInputs = {
      handleChanged: (params) => entered.#replica.handleChanged(params),
      handleChatted: (params) => entered.#handleChatted(params),
      handleSignal: (from, payload) => entered.#signaling.handleSignal(from, payload),
      handleState: (state) => entered.#replica.handleState(state),
      handleEnd: (code, reason) => entered.#handleEnd(code, reason),
    };
    return { lobby: entered, inputs };
  }

  private constructor(
    port: SessionPort,
    lobby: WireLobby,
    you: MemberId,
    handleClosed: (lobby: Lobby) => void,
  ) {
    this.#port = port;
    this.#you = you;
    this.#handleClosed = handleClosed;
    this.#replica = new LobbyReplica(port, lobby, you, {
      handleSteps: (steps) => this.#announce(steps),
      handleGone: (cause, reason) => this.#handleEnd(cause, reason),
    });
    this.#signaling = new LobbySignaling(port, this);
    this.signaling = this.#signaling;
  }

  get events(): Pick<Emitter<LobbyEvents>, 'on'> {
    return this.#events;
  }
  get id(): string {
    return this.#replica.state.id;
  }
  get app(): string {
    return this.#port.app;
  }
  /** Where {@link Lobby.relayTicket} is presented. */
  get relayUrl(): string {
    return this.#port.relayUrl;
  }
  /** What ICE may ask: `stun:host:port`. */
  get stunUrls(): readonly string[] {
    return this.#port.stunUrls();
  }
  /** What ICE may use: STUN, and the relay with a credential of this session. Never rejects: without an answer it is STUN alone. */
  iceServers(): Promise<readonly IceServer[]> {
    return this.#port.iceServers();
  }
  /** Six characters that a friend can type. */
  get code(): string {
    return this.#replica.state.code;
  }
  get type(): LobbyType {
    return this.#replica.state.type;
  }
  get name(): string {
    return this.#replica.state.name;
  }
  get capacity(): number {
    return this.#replica.state.capacity;
  }
  get joinable(): boolean {
    return this.#replica.state.joinable;
  }
  /** Only players who proved a long-lived key can join. */
  get requireKey(): boolean {
    return this.#replica.state.requireKey;
  }
  /** Goes up with every change of owner. */
  get epoch(): number {
    return this.#replica.state.epoch;
  }
  /** Goes up by one with every change. */
  get revision(): number {
    return this.#replica.state.revision;
  }
  get data(): Readonly<Record<string, string>> {
    return this.#replica.state.data;
  }
  /** In order of joining, yourself included. */
  get members(): readonly LobbyMember[] {
    return this.#replica.state.members;
  }
  get owner(): LobbyMember {
    return this.#replica.member(this.#replica.state.owner);
  }
  /** You; after the end, as you were last. */
  get me(): LobbyMember {
    return this.#replica.me;
  }
  get isOwner(): boolean {
    return this.#replica.state.owner === this.#you;
  }
  get isClosed(): boolean {
    return this.#isClosed;
  }

  member(id: MemberId): LobbyMember | undefined {
    return memberOf(this.#replica.state, id);
  }

  has(id: MemberId): boolean {
    return memberOf(this.#replica.state, id) !== undefined;
  }

  /** Owner only. */
  setData(set: DataPatch, settings?: CallSettings): Promise<void> {
    return this.#call('lobby.setData', { lobby: this.id, set }, settings);
  }

  /** Your own keys. */
  setMemberData(set: DataPatch, settings?: CallSettings): Promise<void> {
    return this.#call('lobby.setMemberData', { lobby: this.id, set }, settings);
  }

  setReady(ready: boolean, settings?: CallSettings): Promise<void> {
    return this.#call('lobby.setReady', { lobby: this.id, ready }, settings);
  }

  /** Owner only. */
  setSettings(change: LobbySettings, settings?: CallSettings): Promise<void> {
    return this.#call('lobby.setSettings', { ...change, lobby: this.id }, settings);
  }

  /** Owner only. */
  setOwner(member: MemberId, settings?: CallSettings): Promise<void> {
    return this.#call('lobby.setOwner', { lobby: this.id, member }, settings);
  }

  /** Owner only; the member and the others are told the reason. */
  kick(member: MemberId, reason = '', settings?: CallSettings): Promise<void> {
    return this.#call('lobby.kick', { lobby: this.id, member, reason }, settings);
  }

  chat(text: string, settings?: CallSettings): Promise<void> {
    return this.#call('lobby.chat', { lobby: this.id, text }, settings);
  }

  /** Frees the seat at once; does nothing when the lobby is closed. */
  async leave(settings?: CallSettings): Promise<void> {
    if (this.#isClosed) return;
    await this.#call(
      'lobby.leave',
      { lobby: this.id },
      {
        ...settings,
        accept: () => this.#handleEnd('left', ''),
      },
    );
  }

  /** An invite for one join, whatever the lobby's type. */
  createInvite(
    settings?: CallSettings,
  ): Promise<{ readonly token: string; readonly link: string; readonly expiresInMs: number }> {
    return this.#callFor(
      'lobby.invite',
      { lobby: this.id },
      {
        ...settings,
        accept: ({ token, expiresInMs }) => ({
          token,
          expiresInMs,
          link: inviteLink(this.#port.inviteBase, { invite: token }),
        }),
      },
    );
  }

  /** The link with the lobby's code: works as long as the lobby does. */
  inviteLink(): string {
    return inviteLink(this.#port.inviteBase, { code: this.code });
  }

  /** Opens the relay socket: single use, 30 s. */
  relayTicket(settings?: CallSettings): Promise<string> {
    return this.#callFor(
      'lobby.relayTicket',
      { lobby: this.id },
      {
        ...settings,
        accept: ({ ticket }) => ticket,
      },
    );
  }

  /**
   * Who a member is: its session key as the app's CA certified it, for the player it shows.
   * Checked when first asked for; kept while the member's certificate stays the same.
   * @throws NetError `CERT_INVALID`, `LOBBY_MEMBER_UNKNOWN`
   */
  identityOf(member: MemberId): VerifiedCert {
    const { cert, player } = this.#replica.member(member);
    const key = `${player} ${cert}`;
    this.#verified ??= new Map();
    const known = this.#verified.get(key);
    if (known) return known;
    const verified = this.#port.verifyCertOf(this.#replica.member(member));
    if (this.#verified.size >= MAX_KNOWN_CERTS) this.#verified.clear();
    this.#verified.set(key, verified);
    return verified;
  }

  /** By this session's key. @throws NetError `CRYPTO_INPUT_INVALID` on anything but an envelope (first byte 0) */
  sign(envelope: Uint8Array): Uint8Array {
    return this.#port.sign(envelope);
  }

  #handleChatted({ from, text, atMs }: Notifications['lobby.chatted']): void {
    const member = this.member(from);
    if (member && !this.#isClosed) this.#events.emit('chatted', { from: member, text, atMs });
    else this.#port.counts.unexpected++;
  }

  #handleEnd(code: LobbyCloseCode, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#replica.close();
    this.#handleClosed(this);
    this.#events.emit('closed', { code, reason });
  }

  #announce(steps: readonly LobbyStep[]): void {
    for (const step of steps) {
      if (this.#isClosed) return; // by a listener: `closed` was the last event
      announce(this.#events, step);
    }
  }

  #call<M extends MethodName>(
    method: M,
    params: Params[M],
    settings?: PortCallSettings<M, void>,
  ): Promise<void> {
    return this.#callFor(method, params, {
      ...settings,
      accept: settings?.accept ?? (() => {}),
    });
  }

  #callFor<M extends MethodName, T>(
    method: M,
    params: Params[M],
    settings: PortCallSettings<M, T> & { accept: (result: Results[M]) => T },
  ): Promise<T> {
    if (this.#isClosed) {
      return Promise.reject(new NetError('LOBBY_CLOSED', 'you are not in this lobby any more'));
    }
    return this.#port.call(method, params, settings);
  }
}

/** More than members can have certificates in a lobby's life: then the oldest checks are made again. */
const MAX_KNOWN_CERTS = 1000;
