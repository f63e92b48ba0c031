import { type Cancel, Emitter, fromBase64Url, NetError, type NetErrorCode } from '../base/index.ts';
import { isEnvelope, type VerifiedCert, verifyCert } from '../cert/verify/index.ts';
import { backoffDelayMs } from './backoff.ts';
import {
  type ClientEnvironment,
  type ConnectOptions,
  type ResolvedConnectOptions,
  resolveConnectOptions,
} from './connect-options.ts';
import { ControlChannel, type Notification } from './control-channel.ts';
import type { MethodName, Params, Results } from './generated/protocol.ts';
import { Lobbies, type LobbiesInputs } from './lobbies.ts';
import type { LobbyMember } from './lobby-state.ts';
import {
  type KeyPair,
  type LoginOptions,
  logInAsGuest,
  logInByToken,
  newKeyPair,
  type OpenedSession,
  resume,
} from './login.ts';
import { OpenGate } from './open-gate.ts';
import { ServerClock } from './server-clock.ts';
import type { PortCallSettings, SessionPort } from './session-port.ts';
import { loadGuestKey, loadSessionRecord, saveSessionRecord } from './session-record.ts';
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

/** Failures of an attempt after which another one makes sense, as long as the seats are held. */
const transientCodes: ReadonlySet<NetErrorCode> = new Set<NetErrorCode>([
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'CONNECTION_LOST',
  'REQUEST_TIMEOUT',
  'RATE_LIMITED',
  'SERVER_ERROR',
  'SERVER_SHUTTING_DOWN',
]);

/** Refusals of a stored way back after which a fresh login is right. */
const staleCodes: ReadonlySet<NetErrorCode> = new Set<NetErrorCode>([
  'SESSION_EXPIRED',
  'AUTH_FAILED',
  'CERT_INVALID',
]);

/**
 * One player at one server. A lost connection is resumed as long as the server holds the seats;
 * meanwhile calls wait, and everything ends with a reason.
 */
export class Session implements AsyncDisposable {
  readonly lobbies: Lobbies;
  readonly #lobbies: LobbiesInputs;
  readonly #events = new Emitter<SessionEvents>();
  readonly #environment: ClientEnvironment;
  readonly #options: ResolvedConnectOptions;
  readonly #counts: SessionCounts = newSessionCounts();
  readonly #clock = new ServerClock();
  readonly #gate: OpenGate;
  #state: SessionState = 'connecting';
  /** Of the attempt that is under way, or of the open session. */
  #channel: ControlChannel | undefined;
  #live: LiveSession | undefined;
  /** The next ping while open, the next attempt while reconnecting. */
  #cancelTimer: Cancel = () => {};
  #lostAtMs = 0;
  #endReason: NetError | undefined;
  #closing: Promise<void> | undefined;

  /**
   * One attempt: resumes what `sessionStore` holds, else logs in.
   * Rejects with `CONNECT_FAILED`, `CONNECT_TIMEOUT`, `CONNECTION_LOST`, `AUTH_FAILED`, `APP_UNKNOWN` …
   * @throws NetError `OPTIONS_INVALID`
   */
  static async open(environment: ClientEnvironment, options: ConnectOptions): Promise<Session> {
    const resolved = resolveConnectOptions(options);
    resolved.signal?.throwIfAborted();
    const session = new Session(environment, resolved);
    const abort = (): void => void session.close();
    resolved.signal?.addEventListener('abort', abort, { once: true });
    session.#events.on('ended', () => resolved.signal?.removeEventListener('abort', abort));
    try {
      await session.#attempt((channel) => session.#logIn(channel));
    } catch (error) {
      session.#end(asNetError(error));
      throw resolved.signal?.aborted ? resolved.signal.reason : error;
    }
    return session;
  }

  private constructor(environment: ClientEnvironment, options: ResolvedConnectOptions) {
    this.#environment = environment;
    this.#options = options;
    this.#gate = new OpenGate(environment.scheduler);
    const { lobbies, inputs } = Lobbies.open(this.#port());
    this.lobbies = lobbies;
    this.#lobbies = inputs;
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
  /** Where a lobby's relay ticket is presented. */
  get relayUrl(): string {
    return this.#options.relayUrl;
  }

  /** The server's clock, in milliseconds since 1970: good to about half a round trip. */
  serverTimeMs(): number {
    return this.#clock.at(this.#environment.scheduler.now());
  }

  stats(): SessionStats {
    return { ...this.#counts, pingMs: this.#clock.pingMs };
  }

  /** Leaves every lobby and ends the session for good. Idempotent; settles within two seconds and never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#logOut();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Settles whatever happens: with what `login` threw, or with why the channel ended. */
  async #attempt(login: (channel: ControlChannel) => Promise<void>): Promise<void> {
    const { connectTimeoutMs, controlUrl } = this.#options;
    const channel: ControlChannel = new ControlChannel(
      this.#environment,
      controlUrl,
      {
        handleNotification: (notification) => this.#handleNotification(channel, notification),
        handleSignal: (from, payload) => this.#lobbies.handleSignal(from, payload),
        handleClosed: (error) => this.#handleChannelClosed(channel, error),
      },
      this.#counts,
    );
    this.#channel = channel;
    const cancelDeadline = this.#environment.scheduler.after(connectTimeoutMs, () =>
      channel.close(new NetError('CONNECT_TIMEOUT', `no session in ${connectTimeoutMs} ms`)),
    );
    try {
      await channel.opened;
      await Promise.race([login(channel), channel.closed]);
    } catch (error) {
      channel.close(asNetError(error));
      // It was open and then lost: that is no failure of this attempt.
      if (channel !== this.#live?.channel) throw error;
    } finally {
      cancelDeadline();
    }
  }

  async #logIn(channel: ControlChannel): Promise<void> {
    const { crypto } = this.#environment;
    const { token } = this.#options;
    const record = await loadSessionRecord(crypto, this.#options);
    if (record) {
      try {
        return await resume(channel, this.#login(channel, record.sessionKey, true), record);
      } catch (error) {
        if (!staleCodes.has(asNetError(error).code)) throw error;
        saveSessionRecord(this.#options, undefined);
      }
    }
    const login = this.#login(channel, newKeyPair(crypto), false);
    if (token === undefined) {
      return await logInAsGuest(channel, login, await loadGuestKey(crypto, this.#options));
    }
    const text = typeof token === 'string' ? token : await token();
    return await logInByToken(channel, login, text);
  }

  #login(channel: ControlChannel, sessionKey: KeyPair, isReload: boolean): LoginOptions {
    const { crypto, scheduler } = this.#environment;
    return {
      crypto,
      scheduler,
      options: this.#options,
      sessionKey,
      accept: (opened, held, sentAt) => {
        this.#clock.handleAnswer(sentAt, scheduler.now(), opened.serverTimeMs);
        this.#live = { opened, sessionKey, channel };
        const { player, resumeToken } = opened;
        saveSessionRecord(this.#options, { player, resumeToken, sessionKey });
        this.#setState('open');
        this.#lobbies.handleResumed(held, isReload);
        this.#gate.open();
        this.#schedulePing(channel);
      },
    };
  }

  #schedulePing(channel: ControlChannel): void {
    const { scheduler } = this.#environment;
    this.#cancelTimer();
    this.#cancelTimer = scheduler.after(this.#options.pingIntervalMs, () => {
      const sentAt = scheduler.now();
      channel
        .call(
          'session.ping',
          {},
          {
            timeoutMs: this.#options.requestTimeoutMs,
            accept: ({ serverTimeMs }) => {
              this.#clock.handleAnswer(sentAt, scheduler.now(), serverTimeMs);
              this.#schedulePing(channel);
            },
          },
        )
        .catch((cause: unknown) =>
          channel.close(new NetError('CONNECTION_LOST', 'the server fell silent', { cause })),
        );
    });
  }

  #handleNotification(channel: ControlChannel, { name, params }: Notification): void {
    switch (name) {
      case 'lobby.changed':
        this.#lobbies.handleChanged(params);
        break;
      case 'lobby.chatted':
        this.#lobbies.handleChatted(params);
        break;
      case 'session.ended':
        channel.close(new NetError(params.code, params.message));
        break;
    }
  }

  /** Of a channel that never opened a session, the attempt that made it takes care. */
  #handleChannelClosed(channel: ControlChannel, error: NetError): void {
    if (channel !== this.#live?.channel || this.#state !== 'open') return;
    if (error.code !== 'CONNECTION_LOST' || this.#closing) {
      this.#end(error);
      return;
    }
    this.#lostAtMs = this.#environment.scheduler.now();
    this.#setState('reconnecting', error);
    this.#scheduleRetry(0, error);
  }

  #scheduleRetry(attempt: number, { retryAfterMs = 0 }: NetError): void {
    const { crypto, scheduler } = this.#environment;
    const random = (crypto.randomBytes(1)[0] ?? 0) / 255;
    const delayMs = Math.max(
      retryAfterMs,
      backoffDelayMs(attempt, random, this.#options.reconnect),
    );
    this.#cancelTimer();
    this.#cancelTimer = scheduler.after(delayMs, () => void this.#retry(attempt));
  }

  async #retry(attempt: number): Promise<void> {
    const { opened, sessionKey } = this.#now();
    try {
      await this.#attempt((channel) =>
        resume(channel, this.#login(channel, sessionKey, false), opened),
      );
      this.#counts.reconnects++;
    } catch (thrown) {
      if (this.#endReason) return;
      const error = asNetError(thrown);
      const awayMs = this.#environment.scheduler.now() - this.#lostAtMs;
      if (!transientCodes.has(error.code)) this.#end(error);
      else if (awayMs > opened.seatHoldMs) this.#end(seatGone(error));
      else this.#scheduleRetry(attempt + 1, error);
    }
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
    this.#cancelTimer();
    this.#channel?.close(reason);
    this.#gate.fail(reason);
    if (this.#live) saveSessionRecord(this.#options, undefined);
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
    if (this.#live && this.#state === 'open') {
      return this.#live.channel.call(method, params, { timeoutMs, signal, late, accept });
    }
    const { scheduler } = this.#environment;
    const startedAt = scheduler.now();
    return this.#gate
      .wait(timeoutMs, signal)
      .then(() => this.#call(method, params, settings, timeoutMs - (scheduler.now() - startedAt)));
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
      crypto,
      scheduler,
      logger,
      counts: this.#counts,
      call: (method, params, settings = {}) =>
        this.#call(method, params, settings, requestTimeoutMs),
      sendSignal: (to, payload) => {
        if (this.#live && this.#state === 'open') this.#live.channel.sendSignal(to, payload);
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

  /** What the last login or resume gave. Nobody has a session before its first login. */
  #now(): LiveSession {
    if (!this.#live) throw new NetError('SESSION_CLOSED', 'the session was never open');
    return this.#live;
  }
}

interface LiveSession {
  readonly opened: OpenedSession;
  readonly sessionKey: KeyPair;
  readonly channel: ControlChannel;
}

function seatGone(cause: NetError): NetError {
  const message = `no connection for as long as the seats were held (${cause.message})`;
  return new NetError('CONNECTION_LOST', message, { cause });
}

/** What key stores and token functions throw is theirs; it still needs a code. */
function asNetError(error: unknown): NetError {
  if (error instanceof NetError) return error;
  return new NetError('CONNECT_FAILED', String(error), { cause: error });
}
