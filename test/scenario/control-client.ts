import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MethodName, methods, notifications } from '@partyline/protocol';
import {
  type ConfigInput,
  type PartylineServer,
  type StartOptions,
  startServer,
} from '@partyline/server';
import { nodeCrypto } from 'partyline/node';
import { loginBytes } from 'partyline/protocol/cert';
import WebSocket, { type ClientOptions } from 'ws';
import type { z } from 'zod';

type Result<M extends MethodName> = z.output<(typeof methods)[M]['result']>;
type Params<M extends MethodName> = z.input<(typeof methods)[M]['params']>;

export interface Notice {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** The error of a call, by its stable code. */
export class CallRefused extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(error: { message: string; data: { code: string; retryAfterMs?: number } }) {
    super(`${error.data.code}: ${error.message}`);
    this.code = error.data.code;
    this.retryAfterMs = error.data.retryAfterMs;
  }
}

/** A server on a free port with a folder of its own; two apps, so that each test can look across. */
export async function testServer(
  config: ConfigInput = {},
  options: StartOptions = {},
): Promise<PartylineServer & AsyncDisposable> {
  const dataDir = mkdtempSync(join(tmpdir(), 'partyline-server-'));
  const server = await startServer(
    {
      listen: '127.0.0.1:0',
      dataDir,
      apps: { arena: {}, other: {} },
      logLevel: 'error',
      ...config,
    },
    options,
  );
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Speaks the control protocol without the SDK, so that it can also speak it wrongly. */
export class ControlClient implements AsyncDisposable {
  readonly ws: WebSocket;
  /** All but the greeting. */
  readonly notices: Notice[] = [];
  /** The nonce that was said unasked. */
  greeting: string | undefined;
  readonly signals: Buffer[] = [];
  /** Answers without a call: to what was not a request. */
  readonly strays: { id: number | null; error?: { data: { code: string } } }[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #calls = new Map<number, { resolve(v: unknown): void; reject(e: unknown): void }>();
  readonly #origin: string;
  #lastId = 0;
  #wake: () => void = () => {};

  static async open(
    url: string,
    headers: Record<string, string> = {},
    options: ClientOptions = {},
  ): Promise<ControlClient> {
    const address = `${url.replace(/^http/, 'ws')}/v1`;
    const ws = new WebSocket(address, ['partyline.v1'], { ...options, headers });
    const client = new ControlClient(ws, url); // listens before the greeting comes
    await once(ws, 'open');
    return client;
  }

  private constructor(ws: WebSocket, origin: string) {
    this.ws = ws;
    this.#origin = origin;
    this.closed = new Promise((resolve) =>
      ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    ws.on('error', () => {}); // close follows
    ws.on('message', (frame: Buffer, isBinary) => {
      if (isBinary) this.signals.push(frame);
      else this.#receive(JSON.parse(frame.toString()));
      this.#wake();
    });
    void this.closed.then(() => {
      for (const call of this.#calls.values()) call.reject(new Error('closed'));
      this.#wake();
    });
  }

  async call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    const result = await this.callAny(method, params);
    // Every answer of the server is what the protocol says, in every test.
    return methods[method].result.parse(result) as Result<M>;
  }

  callAny(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** The code of the refusal; fails when it is not refused. */
  async refused(method: string, params: unknown): Promise<string> {
    try {
      await this.callAny(method, params);
    } catch (error) {
      if (error instanceof CallRefused) return error.code;
      throw error;
    }
    throw new Error(`${method} was not refused`);
  }

  /** Waits until `look` finds something. */
  async until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error('closed while waiting');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The first event of a type in a lobby, waited for. */
  event(type: string): Promise<Record<string, unknown>> {
    return this.until(() => this.events().find((event) => event.type === type));
  }

  events(): Record<string, unknown>[] {
    return this.notices
      .filter(({ method }) => method === 'lobby.changed')
      .flatMap(({ params }) => params.events as Record<string, unknown>[]);
  }

  async loginParams(app: string, keys: Keys, origin = this.#origin) {
    const { nonce } = await this.call('session.challenge', { app });
    return signLogin(app, keys, origin, nonce);
  }

  /** Signed for the challenge that came unasked: one request instead of two. */
  async promptLoginParams(app: string, keys: Keys, origin = this.#origin) {
    return signLogin(app, keys, origin, await this.until(() => this.greeting));
  }

  async login(app = 'arena', keys: Keys = newKeys()): Promise<LoggedIn> {
    const opened = await this.call('session.loginGuest', await this.loginParams(app, keys));
    return { ...opened, keys };
  }

  async resumeParams(app: string, keys: Keys, resumeToken: string) {
    const { origin, sessionKey, sessionSignature } = await this.loginParams(app, keys);
    return { app, origin, sessionKey, sessionSignature, resumeToken };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }

  #receive(message: {
    id?: number | null;
    method?: string;
    params?: Record<string, unknown>;
    result?: unknown;
    error?: { message: string; data: { code: string; retryAfterMs?: number } };
  }): void {
    if (message.method !== undefined) {
      const schema = notifications[message.method as keyof typeof notifications];
      const params = schema.parse(message.params) as Record<string, unknown>;
      if (message.method === 'session.challenged') this.greeting = String(params.nonce);
      else this.notices.push({ method: message.method, params });
      return;
    }
    const { id = null, error } = message;
    const call = id === null ? undefined : this.#calls.get(id);
    if (!call || id === null) this.strays.push({ id, ...(error && { error }) });
    else if (error) call.reject(new CallRefused(error));
    else call.resolve(message.result);
    this.#calls.delete(id ?? -1);
  }
}

export interface Keys {
  readonly player: Uint8Array;
  readonly session: Uint8Array;
}

export type LoggedIn = Result<'session.loginGuest'> & { readonly keys: Keys };

export function newKeys(): Keys {
  return { player: nodeCrypto.randomBytes(32), session: nodeCrypto.randomBytes(32) };
}

export function signLogin(app: string, { player, session }: Keys, origin: string, nonce: string) {
  const sessionKey = nodeCrypto.ed25519PublicKey(session);
  const record = {
    origin,
    app,
    nonce: new Uint8Array(Buffer.from(nonce, 'base64url')),
    sessionKey,
  };
  const login = loginBytes({ purpose: 'login', ...record });
  const proof = loginBytes({ purpose: 'session', ...record });
  return {
    app,
    name: 'somebody',
    origin,
    publicKey: text(nodeCrypto.ed25519PublicKey(player)),
    sessionKey: text(sessionKey),
    signature: text(nodeCrypto.ed25519Sign(player, login)),
    sessionSignature: text(nodeCrypto.ed25519Sign(session, proof)),
  };
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
