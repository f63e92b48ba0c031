import {
  DecodeError,
  type Deferred,
  deferred,
  NetError,
  type NetErrorCode,
  utf8,
} from '../base/index.ts';
import { decodeFrame, encodeFrame, FrameType, type MemberId } from '../signaling/index.ts';
import type { ClientEnvironment } from './connect-options.ts';
import {
  CONTROL_SUBPROTOCOL,
  errorObject,
  MAX_REQUEST_BYTES,
  type MethodName,
  type NotificationName,
  type Notifications,
  notifications,
  type Params,
  type Results,
  results,
  SERVER_ERROR_CODES,
} from './generated/protocol.ts';
import type { SessionCounts } from './session-stats.ts';
import type { Socket } from './socket.ts';

/** Calls about lobbies without an answer on one socket; over it comes `RATE_LIMITED`. */
export const MAX_PENDING_CALLS = 256;
/** A text frame of the server, in UTF-16 units: eight full lobbies of 250 members fit. */
export const MAX_SERVER_TEXT_LENGTH: number = 8 * 1024 * 1024;
/** Over this many bytes waiting in the socket signals are dropped. */
export const MAX_BUFFERED_BYTES: number = 1024 * 1024;

/** The channel's own notification: see {@link ControlChannel.challenge}. */
const CHALLENGED = 'session.challenged';

/** A notification with its name, so that a `switch` knows the parameters. */
export type Notification = {
  [N in HandedOn]: { readonly name: N; readonly params: Notifications[N] };
}[HandedOn];

type HandedOn = Exclude<NotificationName, typeof CHALLENGED>;

export interface ChannelHandlers {
  handleNotification(notification: Notification): void;
  /** The bytes are the handler's to keep; nothing is verified. */
  handleSignal(from: MemberId, payload: Uint8Array): void;
  /** Exactly once, after every pending call was rejected. */
  handleClosed(error: NetError): void;
}

export interface CallOptions<M extends MethodName, T> {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Runs when the answer arrives and before any later frame is looked at, so that what follows a
   * join finds its lobby. What it returns, or throws, settles the call.
   */
  readonly accept: (result: Results[M]) => T;
  /** The answer came after the caller had given up. */
  readonly late?: ((result: Results[M]) => void) | undefined;
}

interface PendingCall {
  readonly method: MethodName;
  resolve(result: never): void;
  reject(error: unknown): void;
}

/** JSON-RPC and signal frames over one socket. Not reopened: each attempt to connect makes a new one. */
export class ControlChannel {
  /** Settles when the socket is open, or with the reason why it never was. */
  readonly opened: Promise<void>;
  /** Rejects with what ended the channel; never resolves. */
  readonly closed: Promise<never>;
  readonly #opened: Deferred<void> = deferred();
  readonly #closed: Deferred<never> = deferred();
  readonly #environment: ClientEnvironment;
  readonly #handlers: ChannelHandlers;
  readonly #counts: SessionCounts;
  readonly #pending = new Map<number, PendingCall>();
  readonly #socket: Socket;
  /** The nonce that the server says unasked. */
  readonly #challenged: Deferred<string> = deferred();
  #isChallengeTaken = false;
  #nextId = 1;
  #isOpen = false;
  #closeError: NetError | undefined;

  constructor(
    environment: ClientEnvironment,
    url: string,
    handlers: ChannelHandlers,
    counts: SessionCounts,
  ) {
    this.#environment = environment;
    this.#handlers = handlers;
    this.#counts = counts;
    this.opened = this.#opened.promise;
    this.closed = this.#closed.promise;
    // Whoever awaits them hears it; nobody has to.
    this.opened.catch(() => {});
    this.closed.catch(() => {});
    this.#challenged.promise.catch(() => {});
    this.#socket = environment.sockets.open(url, [CONTROL_SUBPROTOCOL], {
      onOpen: (protocol) => this.#handleOpen(protocol),
      onText: (text) => this.#handleText(text),
      onBinary: (bytes) => this.#handleBinary(bytes),
      onClosed: (reason) => this.#handleSocketClosed(reason),
    });
  }

  /** Ends in an answer, the server's refusal, a time-out, an abort or the channel's end: always one of them. */
  call<M extends MethodName, T>(
    method: M,
    params: Params[M],
    options: CallOptions<M, T>,
  ): Promise<T> {
    if (this.#closeError) return Promise.reject(this.#closeError);
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    // Signs of life and logins have to get through when a game's calls do not.
    if (this.#pending.size >= MAX_PENDING_CALLS && !method.startsWith('session.')) {
      const message = `more than ${MAX_PENDING_CALLS} calls wait for their answer`;
      return Promise.reject(new NetError('RATE_LIMITED', message));
    }
    const id = this.#nextId++;
    const request = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    // A UTF-16 unit takes three bytes at most: only what might be too long is measured.
    if (request.length * 3 > MAX_REQUEST_BYTES && utf8(request).length > MAX_REQUEST_BYTES) {
      const message = `${method} is over ${MAX_REQUEST_BYTES} bytes`;
      return Promise.reject(new NetError('REQUEST_TOO_LARGE', message));
    }
    const answer = this.#await(id, method, options);
    this.#socket.send(request);
    return answer;
  }

  /** A nonce to sign, good once: the one that the server says unasked, and any later one asked for. */
  challenge(app: string, timeoutMs: number): Promise<string> {
    if (this.#isChallengeTaken) {
      const accept = ({ nonce }: Results['session.challenge']): string => nonce;
      return this.call('session.challenge', { app }, { timeoutMs, accept });
    }
    this.#isChallengeTaken = true;
    return this.#challenged.promise;
  }

  /** Best effort: dropped and counted when the socket is closed or full. */
  sendSignal(to: MemberId, payload: Uint8Array): void {
    if (!this.#isOpen || this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#counts.signalsDropped++;
      return;
    }
    this.#counts.signalsSent++;
    this.#socket.send(encodeFrame(FrameType.Signal, to, payload));
  }

  /** Idempotent; what is pending rejects with the error. */
  close(error: NetError): void {
    if (this.#closeError) return;
    this.#closeError = error;
    this.#isOpen = false;
    this.#socket.close();
    this.#opened.reject(error);
    this.#closed.reject(error);
    this.#challenged.reject(error);
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
    this.#handlers.handleClosed(error);
  }

  #await<M extends MethodName, T>(
    id: number,
    method: M,
    { timeoutMs, signal, accept, late }: CallOptions<M, T>,
  ): Promise<T> {
    const answer = deferred<T>();
    let hasGivenUp = false;
    const settle = (): void => {
      cancelTimer();
      signal?.removeEventListener('abort', abort);
    };
    // The entry stays: an answer that comes after all is known by its id, and can be undone.
    const giveUp = (reason: unknown): void => {
      hasGivenUp = true;
      settle();
      answer.reject(reason);
    };
    const abort = (): void => giveUp(signal?.reason);
    const cancelTimer = this.#environment.scheduler.after(timeoutMs, () =>
      giveUp(new NetError('REQUEST_TIMEOUT', `no answer to ${method} in ${timeoutMs} ms`)),
    );
    signal?.addEventListener('abort', abort, { once: true });
    this.#pending.set(id, {
      method,
      resolve: (result) => {
        settle();
        if (hasGivenUp) return late?.(result);
        try {
          answer.resolve(accept(result));
        } catch (error) {
          answer.reject(error);
        }
      },
      reject: (error) => {
        settle();
        answer.reject(error);
      },
    });
    return answer.promise;
  }

  #handleOpen(protocol: string): void {
    if (this.#closeError) return;
    if (protocol !== CONTROL_SUBPROTOCOL) {
      const message = `the server does not speak ${CONTROL_SUBPROTOCOL}`;
      this.close(new NetError('PROTOCOL_UNSUPPORTED', message));
      return;
    }
    this.#isOpen = true;
    this.#opened.resolve();
  }

  #handleSocketClosed(reason: string): void {
    const code: NetErrorCode = this.#isOpen ? 'CONNECTION_LOST' : 'CONNECT_FAILED';
    this.close(new NetError(code, reason || 'the socket was closed'));
  }

  #handleText(text: string): void {
    if (this.#closeError) return;
    const message = text.length > MAX_SERVER_TEXT_LENGTH ? undefined : parseObject(text);
    if (typeof message?.id === 'number') this.#handleAnswer(message.id, message);
    else if (typeof message?.method === 'string') this.#notify(message.method, message.params);
    else this.#counts.malformed++;
  }

  #handleBinary(bytes: Uint8Array): void {
    if (this.#closeError) return;
    try {
      const frame = decodeFrame(bytes);
      if (frame.type === FrameType.Signal) {
        this.#counts.signalsReceived++;
        this.#handlers.handleSignal(frame.member, frame.payload);
      } else {
        this.#counts.unexpected++;
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#counts.malformed++;
    }
  }

  #handleAnswer(id: number, message: Readonly<Record<string, unknown>>): void {
    const call = this.#pending.get(id);
    if (!call) {
      this.#counts.unexpected++;
      return;
    }
    this.#pending.delete(id);
    if (message.error !== undefined) {
      call.reject(serverError(message.error));
      return;
    }
    const wrong = results[call.method](message.result);
    if (wrong === undefined) {
      call.resolve(message.result as never); // checked by the line above
      return;
    }
    this.#counts.malformed++;
    call.reject(wrongMessage(`the answer to ${call.method}`, `result${wrong}`));
  }

  #notify(name: string, params: unknown): void {
    if (!Object.hasOwn(notifications, name)) {
      this.#counts.unexpected++;
      return;
    }
    const wrong = notifications[name as NotificationName](params);
    if (wrong !== undefined) {
      this.#counts.malformed++;
      if (name === CHALLENGED) this.#challenged.reject(wrongMessage(name, `params${wrong}`));
    } else if (name === CHALLENGED) {
      this.#challenged.resolve((params as Notifications[typeof CHALLENGED]).nonce); // just checked
    } else {
      this.#handlers.handleNotification({ name, params } as Notification); // just checked
    }
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // An array has none of the fields looked for, and each of them is looked at.
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function wrongMessage(what: string, where: string): NetError {
  return new NetError('SERVER_MESSAGE_INVALID', `${what} is wrong at ${where}`);
}

/** The server's refusal as ours; a code of a newer server is a `SERVER_ERROR` that names it. */
function serverError(error: unknown): NetError {
  if (errorObject(error) !== undefined) {
    return new NetError('SERVER_MESSAGE_INVALID', 'the server sent an error without a code');
  }
  const { message, data } = error as {
    message: string;
    data: { code: string; retryAfterMs?: number };
  };
  const code = SERVER_ERROR_CODES.find((known) => known === data.code);
  return new NetError(code ?? 'SERVER_ERROR', code ? message : `${data.code}: ${message}`, {
    retryAfterMs: data.retryAfterMs,
  });
}
