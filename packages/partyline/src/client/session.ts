import { Emitter, fromBase64Url, NetError } from '../base/index.ts';
import { isEnvelope, type VerifiedCert, verifyCert } from '../cert/verify/index.ts';
import {
  type ClientEnvironment,
  type ConnectOptions,
  type ResolvedConnectOptions,
  resolveConnectOptions,
} from './connect-options.ts';
import type { MethodName, Params, Results } from './generated/protocol.ts';
import { type IceServer, IceServers } from './ice-servers.ts';
import { Lobbies, type LobbiesInputs } from './lobbies.ts';
import type { LobbyMember } from './lobby-state.ts';
import type { HeldLobbies } from './login.ts';
import { OpenGate } from './open-gate.ts';
import {
  asNetError,
  type LiveSession,
  type LobbyNotification,
  SessionConnection,
} from './session-connection.ts';
import type { PortCallSettings, SessionPort } from './session-port.ts';
import { nextSessionState, type SessionState } from './session-state.ts';
import { newSessionCounts, type SessionCounts, type SessionStats } from './session-stats.ts';

export type SessionEvents = {
  /** `reason`: what ended the connection (`reconnecting`) or the session (`closed`). */
  stateChanged: { readonly state: SessionState; readonly reason?: NetError };
  /** The last event: `SESSION_CLOSED` when you closed it. */
  ended: { readonly reason: NetError };
};

/** How long `close` waits for the server to hear of it, in milliseconds. */
const LOGOUT_TIMEOUT_MS = 2000;

/**
 * One player at one server. A lost connection is resumed as long as the server holds the seats;
 * meanwhile calls wait, and everything ends with a reason.
 */
export class Session implements AsyncDisposable {
  /** Resolves when the session is open for the first time, or rejects with why it never was. */
  readonly opened: Promise<void>;
  readonly lobbies: Lobbies;
  readonly #lobbies: LobbiesInputs;
  readonly #events = new Emitter<SessionEvents>();
  readonly #environment: ClientEnvironment;
  readonly #options: ResolvedConnectOptions;
  readonly #counts: SessionCounts = newSessionCounts();
  readonly #connection: SessionConnection;
  readonly #gate: OpenGate;
  readonly #iceServers: IceServers;
  #state: SessionState = 'connecting';
  #endReason: NetError | undefined;
  #closing: Promise<void> | undefined;

  /**
   * One attempt: resumes what `sessionStore` holds, else logs in.
   * Rejects with `CONNECT_FAILED`, `CONNECT_TIMEOUT`, `CONNECTION_LOST`, `AUTH_FAILED`, `APP_UNKNOWN` …
   * @throws NetError `OPTIONS_INVALID`
   */
  static async open(environment: ClientEnvironment, options: ConnectOptions): Promise<Session> {
    const session = Session.start(environment, options);
    await session.opened;
    return session;
  }

  /**
   * As {@link Session.open}, without waiting: calls made meanwhile go out right behind the login.
   * @throws NetError `OPTIONS_INVALID`, or the reason of a signal that is aborted already
   */
  static start(environment: ClientEnvironment, options: ConnectOptions): Session {
    const resolved = resolveConnectOptions(options);
    resolved.signal?.throwIfAborted();
    return new Session(environment, resolved);
  }

  private constructor(environment: ClientEnvironment, options: ResolvedConnectOptions) {
    this.#environment = environment;
    this.#options = options;
    this.#gate = new OpenGate(environment.scheduler);
    this.#connection = new SessionConnection(
      environment,
      options,
      {
        handleLoginSent: () => this.#gate.open(),
        handleOpened: (held, isReload) => this.#handleOpened(held, isReload),
        handleLost: (error) => this.#handleLost(error),
        handleEnded: (error) => this.#end(error),
        handleNotification: (notification) => this.#handleNotification(notification),
        handleSignal: (from, payload) => this.#lobbies.handleSignal(from, payload),
      },
      this.#counts,
    );
    this.#iceServers = new IceServers({
      now: () => environment.scheduler.now(),
      stunUrls: () => this.stunUrls,
      ask: () => this.#call('session.iceServers', {}, {}, options.requestTimeoutMs),
    });
    const { lobbies, inputs } = Lobbies.open(this.#port());
    this.lobbies = lobbies;
    this.#lobbies = inputs;
    this.opened = this.#connect();
    this.opened.catch(() => {}); // whoever awaits it hears it; calls reject with it too
  }

  get events(): Pick<Emitter<SessionEvents>, 'on'> {
    return this.#events;
  }
  get state(): SessionState {
    return this.#state;
  }
  get app(): string {
    return this.#options.app;
  }
  /** The player's id: `g…` for guests, `u…` for token logins. */
  get player(): string {
    return this.#now().opened.player;
  }
  get name(): string {
    return this.#now().opened.name;
  }
  /** How long the server holds a dropped member's seat, in milliseconds. */
  get seatHoldMs(): number {
    return this.#now().opened.seatHoldMs;
  }
  /** What ICE may ask: `stun:host:port`. */
  get stunUrls(): readonly string[] {
    return this.#now().opened.stunUrls;
  }
  /** What ICE may use: STUN, and the relay with a credential of this session. Never rejects: without an answer it is STUN alone. */
  iceServers(): Promise<readonly IceServer[]> {
    return this.#iceServers.get();
  }
  /** Where a lobby's relay ticket is presented. */
  get relayUrl(): string {
    return this.#options.relayUrl;
  }

  /** The server's clock, in milliseconds since 1970: good to about half a round trip. */
  serverTimeMs(): number {
    return this.#connection.clock.at(this.#environment.scheduler.now());
  }

  stats(): SessionStats {
    return { ...this.#counts, pingMs: this.#connection.clock.pingMs };
  }

  /** Leaves every lobby and ends the session for good. Idempotent; settles within two seconds and never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#logOut();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #connect(): Promise<void> {
    const { signal } = this.#options;
    if (signal) this.#closeWhenAborted(signal);
    try {
      await this.#connection.connect();
    } catch (error) {
      this.#end(asNetError(error));
      throw signal?.aborted ? signal.reason : error;
    }
  }

  #closeWhenAborted(signal: AbortSignal): void {
    const abort = (): void => void this.close();
    signal.addEventListener('abort', abort, { once: true });
    this.#events.on('ended', () => signal.removeEventListener('abort', abort));
  }

  #handleNotification({ name, params }: LobbyNotification): void {
    if (name === 'lobby.changed') this.#lobbies.handleChanged(params);
    else this.#lobbies.handleChatted(params);
  }

  #handleOpened(held: HeldLobbies, isReload: boolean): void {
    this.#setState('open');
    this.#lobbies.handleResumed(held, isReload);
    this.#gate.open();
  }

  #handleLost(error: NetError): void {
    if (this.#closing) this.#end(new NetError('SESSION_CLOSED', 'closed by you'));
    else this.#setState('reconnecting', error);
  }

  async #logOut(): Promise<void> {
    if (this.#state === 'open') {
      const settings = { timeoutMs: LOGOUT_TIMEOUT_MS, accept: () => {} };
      // Whatever the server says: the session ends here, and there when its seats run out.
      await this.#now()
        .channel.call('session.logout', {}, settings)
        .catch(() => {});
    }
    this.#end(new NetError('SESSION_CLOSED', 'closed by you'));
  }

  #end(reason: NetError): void {
    if (this.#endReason) return;
    this.#endReason = reason;
    this.#connection.close(reason);
    this.#gate.fail(reason);
    this.#lobbies.handleEnd(reason);
    this.#setState('closed', reason);
    this.#events.emit('ended', { reason });
  }

  #setState(state: SessionState, reason?: NetError): void {
    this.#state = nextSessionState(this.#state, state);
    this.#options.logger.debug({ state, reason: reason?.code }, 'session state changed');
    this.#events.emit('stateChanged', reason ? { state, reason } : { state });
  }

  #call<M extends MethodName, T>(
    method: M,
    params: Params[M],
    settings: PortCallSettings<M, T>,
    timeoutMs: number,
  ): Promise<T> {
    if (this.#endReason) return Promise.reject(this.#endReason);
    if (this.#closing) return Promise.reject(new NetError('SESSION_CLOSED', 'closed by you'));
    const { signal, late, accept = (result: Results[M]) => result as T } = settings; // then T is Results[M]
    const { scheduler } = this.#environment;
    const startedAt = scheduler.now();
    const callLater = async (): Promise<T> => {
      if (this.#endReason) throw this.#endReason;
      await this.#gate.wait(timeoutMs - (scheduler.now() - startedAt), signal);
      const leftMs = timeoutMs - (scheduler.now() - startedAt);
      return await this.#call(method, params, settings, leftMs);
    };
    const { channel } = this.#connection;
    if (!channel) return callLater();
    const called = channel.call(method, params, { timeoutMs, signal, late, accept });
    if (this.#state === 'open') return called;
    // The login in front of it was refused, so nothing was done: there may be another, or the end.
    return called.catch((error: unknown) => {
      if (error instanceof NetError && error.code === 'AUTH_REQUIRED') return callLater();
      throw error;
    });
  }

  #port(): SessionPort {
    const { crypto, scheduler } = this.#environment;
    const { app, capabilities, inviteBase, logger, relayUrl, requestTimeoutMs } = this.#options;
    return {
      app,
      capabilities,
      inviteBase,
      relayUrl,
      stunUrls: () => this.stunUrls,
      iceServers: () => this.iceServers(),
      crypto,
      scheduler,
      logger,
      counts: this.#counts,
      call: (method, params, settings = {}) =>
        this.#call(method, params, settings, requestTimeoutMs),
      sendSignal: (to, payload) => {
        if (this.#state === 'open') this.#now().channel.sendSignal(to, payload);
        else this.#counts.signalsDropped++;
      },
      sign: (bytes) => this.#sign(bytes),
      verifyCertOf: (member) => this.#verifyCertOf(member),
    };
  }

  #sign(bytes: Uint8Array): Uint8Array {
    if (!isEnvelope(bytes)) {
      throw new NetError('CRYPTO_INPUT_INVALID', 'a session key signs envelopes only');
    }
    return this.#environment.crypto.ed25519Sign(this.#now().sessionKey.seed, bytes);
  }

  #verifyCertOf({ cert, player }: LobbyMember): VerifiedCert {
    return verifyCert(this.#environment.crypto, fromBase64Url(cert) ?? new Uint8Array(), {
      caPublicKey: this.#now().opened.caPublicKey,
      nowSec: this.serverTimeMs() / 1000,
      identity: `str:${player}`,
    });
  }

  /** Nobody has a session before its first login. */
  #now(): LiveSession {
    const { live } = this.#connection;
    if (!live) throw new NetError('SESSION_CLOSED', 'the session was never open');
    return live;
  }
}
