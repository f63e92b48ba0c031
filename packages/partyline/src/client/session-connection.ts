import { type Cancel, NetError, type NetErrorCode } from '../base/index.ts';
import { backoffDelayMs } from './backoff.ts';
import type { ClientEnvironment, ResolvedConnectOptions } from './connect-options.ts';
import { type ChannelHandlers, ControlChannel, type Notification } from './control-channel.ts';
import {
  type HeldLobbies,
  type KeyPair,
  type LoginOptions,
  logInAsGuest,
  logInByToken,
  newKeyPair,
  type OpenedSession,
  type ResumeTicket,
  resume,
} from './login.ts';
import { ServerClock } from './server-clock.ts';
import { loadGuestKey, loadSessionRecord, saveSessionRecord } from './session-record.ts';
import type { SessionCounts } from './session-stats.ts';

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

/** What is for a lobby: the rest is for the connection itself. */
export type LobbyNotification = Exclude<Notification, { readonly name: 'session.ended' }>;

export interface ConnectionHandlers extends Pick<ChannelHandlers, 'handleSignal'> {
  handleNotification(notification: LobbyNotification): void;
  /** A login is on its way: what is sent behind it is asked of its session. */
  handleLoginSent(): void;
  /**
   * Logged in or resumed; before any later frame of the server is looked at.
   * @param isReload the session is that of the page that was here before
   */
  handleOpened(held: HeldLobbies, isReload: boolean): void;
  /** The channel is gone and will be opened again. */
  handleLost(error: NetError): void;
  /** There is no way back; {@link SessionConnection.close} is still to be called. */
  handleEnded(error: NetError): void;
}

/** What the last login or resume gave. */
export interface LiveSession {
  readonly opened: OpenedSession;
  readonly sessionKey: KeyPair;
  readonly channel: ControlChannel;
}

/** Opens channels for a session, one after another: logs in, keeps alive, resumes. */
export class SessionConnection {
  readonly clock: ServerClock = new ServerClock();
  readonly #environment: ClientEnvironment;
  readonly #options: ResolvedConnectOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #counts: SessionCounts;
  /** Of the attempt that is under way, or of the open session. */
  #channel: ControlChannel | undefined;
  #live: LiveSession | undefined;
  /** The next ping while open, the next attempt while reconnecting. */
  #cancelTimer: Cancel = () => {};
  #isOpen = false;
  #isLoginSent = false;
  #isClosed = false;
  #lostAtMs = 0;

  constructor(
    environment: ClientEnvironment,
    options: ResolvedConnectOptions,
    handlers: ConnectionHandlers,
    counts: SessionCounts,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#handlers = handlers;
    this.#counts = counts;
  }

  get live(): LiveSession | undefined {
    return this.#live;
  }

  /** Where calls go; `undefined` while there is neither a session nor a login on its way to one. */
  get channel(): ControlChannel | undefined {
    return this.#isOpen || this.#isLoginSent ? this.#channel : undefined;
  }

  /** One attempt: resumes what is stored, else logs in. Rejects with its reason. */
  async connect(): Promise<void> {
    await this.#attempt((channel) => this.#logIn(channel));
  }

  /** For good; idempotent. Pending calls reject with the reason, and the way back is forgotten. */
  close(reason: NetError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOpen = false;
    this.#cancelTimer();
    this.#channel?.close(reason);
    // A connect that failed leaves the record: the next one may succeed with it.
    if (this.#live) saveSessionRecord(this.#options, undefined);
  }

  /** Settles whatever happens: with what `login` threw, or with why the channel ended. */
  async #attempt(login: (channel: ControlChannel) => Promise<void>): Promise<void> {
    const { connectTimeoutMs, controlUrl } = this.#options;
    const channel: ControlChannel = new ControlChannel(
      this.#environment,
      controlUrl,
      {
        handleNotification: (notification) => this.#handleNotification(channel, notification),
        handleSignal: (from, payload) => this.#handlers.handleSignal(from, payload),
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
      this.#isLoginSent = false;
      cancelDeadline();
    }
  }

  async #logIn(channel: ControlChannel): Promise<void> {
    const { crypto } = this.#environment;
    const { token } = this.#options;
    const record = await loadSessionRecord(crypto, this.#options);
    if (record) {
      try {
        return await this.#resume(channel, this.#login(channel, record.sessionKey, true), record);
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
      handleSent: () => {
        this.#isLoginSent = true;
        this.#handlers.handleLoginSent();
      },
      accept: (opened, held, sentAt) => {
        this.clock.handleAnswer(sentAt, scheduler.now(), opened.serverTimeMs);
        this.#live = { opened, sessionKey, channel };
        this.#isOpen = true;
        this.#isLoginSent = false;
        const { player, resumeToken } = opened;
        saveSessionRecord(this.#options, { player, resumeToken, sessionKey });
        this.#schedulePing(channel);
        this.#handlers.handleOpened(held, isReload);
      },
    };
  }

  async #resume(channel: ControlChannel, login: LoginOptions, ticket: ResumeTicket): Promise<void> {
    await resume(channel, login, ticket);
    // The server keeps the spent token good until it hears that we have the next one.
    if (this.#isOpen && channel === this.#live?.channel) this.#ping(channel);
  }

  #schedulePing(channel: ControlChannel): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#environment.scheduler.after(this.#options.pingIntervalMs, () =>
      this.#ping(channel),
    );
  }

  #ping(channel: ControlChannel): void {
    const { scheduler } = this.#environment;
    const sentAt = scheduler.now();
    channel
      .call(
        'session.ping',
        {},
        {
          timeoutMs: this.#options.requestTimeoutMs,
          accept: ({ serverTimeMs }) => {
            this.clock.handleAnswer(sentAt, scheduler.now(), serverTimeMs);
            this.#schedulePing(channel);
          },
        },
      )
      .catch((cause: unknown) =>
        channel.close(new NetError('CONNECTION_LOST', 'the server fell silent', { cause })),
      );
  }

  #handleNotification(channel: ControlChannel, notification: Notification): void {
    if (notification.name === 'session.ended') {
      const { code, message } = notification.params;
      channel.close(new NetError(code, message));
    } else {
      this.#handlers.handleNotification(notification);
    }
  }

  /** Of a channel that never opened a session, the attempt that made it takes care. */
  #handleChannelClosed(channel: ControlChannel, error: NetError): void {
    if (channel !== this.#live?.channel || !this.#isOpen) return;
    this.#isOpen = false;
    if (error.code !== 'CONNECTION_LOST') {
      this.#handlers.handleEnded(error);
      return;
    }
    this.#lostAtMs = this.#environment.scheduler.now();
    this.#scheduleRetry(0, error);
    this.#handlers.handleLost(error);
  }

  #scheduleRetry(attempt: number, { retryAfterMs = 0 }: NetError): void {
    const { crypto, scheduler } = this.#environment;
    const random = (crypto.randomBytes(1)[0] ?? 0) / 255;
    const waitMs = backoffDelayMs(attempt, random, this.#options.reconnect);
    this.#cancelTimer();
    this.#cancelTimer = scheduler.after(
      Math.max(retryAfterMs, waitMs),
      () => void this.#retry(attempt),
    );
  }

  async #retry(attempt: number): Promise<void> {
    const live = this.#live;
    if (!live) return; // nothing is lost that was never open
    const { opened, sessionKey } = live;
    try {
      await this.#attempt((channel) =>
        this.#resume(channel, this.#login(channel, sessionKey, false), opened),
      );
      this.#counts.reconnects++;
    } catch (thrown) {
      if (this.#isClosed) return;
      const error = asNetError(thrown);
      const awayMs = this.#environment.scheduler.now() - this.#lostAtMs;
      if (!transientCodes.has(error.code)) this.#handlers.handleEnded(error);
      else if (awayMs > opened.seatHoldMs) this.#handlers.handleEnded(seatGone(error));
      else this.#scheduleRetry(attempt + 1, error);
    }
  }
}

function seatGone(cause: NetError): NetError {
  const message = `no connection for as long as the seats were held (${cause.message})`;
  return new NetError('CONNECTION_LOST', message, { cause });
}

/** What key stores and token functions throw is theirs; it still needs a code. */
export function asNetError(error: unknown): NetError {
  if (error instanceof NetError) return error;
  return new NetError('CONNECT_FAILED', String(error), { cause: error });
}
