import { limits } from '@partyline/protocol';
import type { WebSocket } from 'ws';
import type { App } from '../app/index.ts';
import { type Outbox, Refused, TokenBucket } from '../base/index.ts';
import { Challenge, type OpenSession, type Reached, toText } from '../identity/index.ts';
import { CLOSE } from './close-codes.ts';
import { ControlSession } from './control-session.ts';
import { isMethod, methodTable } from './methods.ts';
import {
  errorFrame,
  notificationFrame,
  parseRequest,
  type RpcRequest,
  resultFrame,
} from './rpc.ts';
import type { Services } from './services.ts';

export interface Client extends Reached {
  /** Where it comes from, as far as trusted proxies tell. */
  readonly address: string;
  /** What caps and rates are counted by. */
  readonly addressKey: string;
  /** Sent by browsers only. */
  readonly webOrigin: string | undefined;
}

/** How long a socket closed for abuse may take to go by itself. */
const POLICY_CLOSE_MS = 1000;

/** One control socket: requests in, answers and notifications out, at most one session. */
export class ControlSocket {
  readonly client: Client;
  readonly challenge: Challenge = new Challenge();
  readonly #services: Services;
  readonly #ws: WebSocket;
  readonly #outbox: Outbox;
  readonly #requests: TokenBucket;
  readonly #refused: TokenBucket;
  readonly #cancelLogin: () => void;
  #inFlight = 0;
  /** Requests before there is a session, one behind the other: what comes behind a login is its session's. */
  #line: Promise<void> = Promise.resolve();
  #session: ControlSession | undefined;
  #isLoggingIn = false;
  #isClosed = false;

  constructor(services: Services, ws: WebSocket, outbox: Outbox, client: Client) {
    this.client = client;
    this.#services = services;
    this.#ws = ws;
    this.#outbox = outbox;
    const { rateLimits, loginTimeoutMs } = services.config;
    const nowMs = services.clock.nowMs();
    this.#requests = new TokenBucket(rateLimits.request, nowMs);
    this.#refused = new TokenBucket(rateLimits.refused, nowMs);
    this.#cancelLogin = services.clock.after(loginTimeoutMs, () => {
      if (!this.#session) this.close(CLOSE.policy, 'no login in time');
    });
    ws.on('message', (frame: Buffer, isBinary) => {
      // What comes behind our close is nobody's request any more.
      if (ws.readyState !== ws.OPEN) return;
      if (!this.#isLoggingIn) this.#session?.heard();
      if (isBinary) this.#receiveSignal(frame);
      else this.#receive(frame.toString('utf8'));
    });
    ws.on('close', () => {
      this.#cancelLogin();
      this.#closed();
    });
  }

  /** Says the challenge unasked, to be called once: a login is then one round trip behind the handshake. */
  greet(): void {
    const nonce = this.challenge.issue(undefined, this.#services.clock.nowMs());
    this.sendText(notificationFrame('session.challenged', { nonce: toText(nonce) }));
  }

  /** Not before its login is answered. @throws Refused `AUTH_REQUIRED` */
  get session(): ControlSession {
    const session = this.#session;
    if (!session || session.isClosed || this.#isLoggingIn) {
      throw new Refused('AUTH_REQUIRED', 'log in first');
    }
    return session;
  }

  get hasSession(): boolean {
    return this.#session !== undefined;
  }

  /** Runs a login; a socket has at most one session, so two at once would leave one that nobody ends. */
  async exclusively<T>(login: () => Promise<T>): Promise<T> {
    if (this.#session || this.#isLoggingIn) {
      throw new Refused('REQUEST_INVALID', 'this socket has a session already');
    }
    this.#isLoggingIn = true;
    try {
      return await login();
    } finally {
      this.#isLoggingIn = false;
    }
  }

  /** Makes this socket the session's. */
  async adopt(app: App, opened: OpenSession): Promise<ControlSession> {
    const session = new ControlSession(this.#services, app, opened.record, this);
    this.#session = session;
    this.#cancelLogin();
    if (this.#isClosed) await session.drop();
    else await session.watch();
    return session;
  }

  /** The session is over for this socket: the client is told, and not reconnected by us. */
  end(
    code: 'SESSION_REPLACED' | 'SESSION_EXPIRED' | 'SERVER_SHUTTING_DOWN',
    message: string,
  ): void {
    this.sendText(notificationFrame('session.ended', { code, message }));
    const close = { SESSION_REPLACED: CLOSE.sessionReplaced, SESSION_EXPIRED: CLOSE.done };
    this.close(code === 'SERVER_SHUTTING_DOWN' ? CLOSE.shuttingDown : close[code], code);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
    // Who was told to go and goes on sending is not waited for.
    if (code === CLOSE.policy) {
      this.#services.clock.after(POLICY_CLOSE_MS, () => this.#ws.terminate());
    }
  }

  /** Past the limit of unsent bytes the socket ends: a slow client resumes, it is not waited for. */
  sendText(frame: Uint8Array | string): void {
    if (this.#isFull()) {
      this.#services.logger.warn({ app: this.#session?.app.id }, 'slow client disconnected');
      this.#ws.terminate();
      return;
    }
    this.#outbox.send(frame, false);
  }

  /** Signals are best effort: dropped when half the buffer is full, so that events still fit. */
  sendSignal(frame: Uint8Array): boolean {
    if (this.#outbox.bufferedBytes * 2 > this.#services.config.limits.controlBufferBytes)
      return false;
    return this.#outbox.send(frame, true);
  }

  #isFull(): boolean {
    return this.#outbox.bufferedBytes > this.#services.config.limits.controlBufferBytes;
  }

  #receiveSignal(frame: Uint8Array): void {
    const nowMs = this.#services.clock.nowMs();
    const mayPass = this.#session?.forwardSignal(frame) ?? this.#requests.take(nowMs);
    if (!mayPass && !this.#refused.take(nowMs)) {
      this.close(CLOSE.policy, 'RATE_LIMITED: too many signals over the rate');
    }
  }

  #receive(text: string): void {
    const parsed = parseRequest(text);
    const nowMs = this.#services.clock.nowMs();
    if (!this.#requests.take(nowMs)) {
      const id = parsed.ok ? parsed.request.id : parsed.id;
      this.#refuse(id, this.#requests.waitMs(nowMs), nowMs);
    } else if (!parsed.ok) {
      const message = 'not a JSON-RPC 2.0 request with a number as id';
      this.sendText(errorFrame(parsed.id, { code: 'REQUEST_MALFORMED', message }));
    } else if (this.#inFlight >= this.#services.config.limits.requestsInFlight) {
      this.#refuse(parsed.request.id, 100, nowMs);
    } else {
      this.#take(parsed.request);
    }
  }

  #take(request: RpcRequest): void {
    this.#inFlight++;
    if (this.#session && !this.#isLoggingIn) void this.#answer(request);
    else this.#line = this.#line.then(() => this.#answer(request));
  }

  /** Over the rate: told so for a while, then closed. */
  #refuse(id: number | null, retryAfterMs: number, nowMs: number): void {
    if (!this.#refused.take(nowMs)) {
      this.close(CLOSE.policy, 'RATE_LIMITED: too many requests over the rate');
      return;
    }
    const message = 'too many requests';
    this.sendText(errorFrame(id, { code: 'RATE_LIMITED', message, retryAfterMs }));
  }

  /** Never rejects. */
  async #answer({ id, method, params }: RpcRequest): Promise<void> {
    try {
      if (!isMethod(method)) {
        throw new Refused('REQUEST_UNKNOWN_METHOD', `there is no method ${method.slice(0, 64)}`);
      }
      const { result, after } = await methodTable[method](this.#services, this, params);
      this.sendText(resultFrame(id, result));
      after?.();
    } catch (error) {
      this.sendText(errorFrame(id, this.#explain(error, method)));
    } finally {
      this.#inFlight--;
    }
  }

  #explain(error: unknown, method: string): Pick<Refused, 'code' | 'message' | 'retryAfterMs'> {
    const { logger } = this.#services;
    if (error instanceof Refused) {
      logger.debug({ method, code: error.code }, 'request refused');
      return error;
    }
    logger.error({ err: error, method }, 'request failed');
    return { code: 'SERVER_ERROR', message: 'the server failed', retryAfterMs: undefined };
  }

  #closed(): void {
    this.#isClosed = true;
    void this.#session?.drop().catch((error: unknown) => {
      this.#services.logger.error({ err: error }, 'drop of a session failed');
    });
  }
}

/** A frame over this many bytes closes the socket with 1009. */
export const MAX_CONTROL_FRAME_BYTES: number = limits.requestBytes;
