import { fromBase64Url, toBase64Url } from '../../../packages/partyline/src/base/index.ts';
import { issueCert } from '../../../packages/partyline/src/cert/index.ts';
import { guestPlayerId } from '../../../packages/partyline/src/cert/verify/index.ts';
import type {
  Lobby,
  Member,
  MethodName,
  Notifications,
} from '../../../packages/partyline/src/client/generated/protocol.ts';
import {
  type ClientEnvironment,
  type ConnectOptions,
  MemoryKeyStore,
  Session,
  type Socket,
  type SocketFactory,
  type SocketHandlers,
} from '../../../packages/partyline/src/client/index.ts';
import { nodeCrypto } from '../../../packages/partyline/src/node/crypto.ts';
import { VirtualClock } from '../../../packages/partyline/src/testing/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: a script answers each method with what that one needs
type Script = (params: any, connection: FakeConnection) => unknown;

/** Answer with this and the client hears nothing. */
export const SILENCE: unique symbol = Symbol('silence');

/** Answer with this and the client hears a refusal. */
export class Refusal {
  readonly code: string;
  constructor(code: string) {
    this.code = code;
  }
}

const atFake: Pick<ConnectOptions, 'app' | 'server'> = {
  app: 'game',
  server: 'https://fake.example',
};

/** One way, in milliseconds of the virtual clock. */
const LATENCY_MS = 5;

/**
 * The server's end of the control protocol as a script, on a virtual clock: what a session does is
 * seen without a network, and the server can misbehave at will.
 */
export class FakeServer implements SocketFactory {
  readonly clock = new VirtualClock();
  readonly ca: Uint8Array = nodeCrypto.randomBytes(32);
  readonly connections: FakeConnection[] = [];
  /** Every request that arrived, in order. */
  readonly requests: MethodName[] = [];
  /** When each of them came. */
  readonly requestTimes: number[] = [];
  /** Refuses sockets while set. */
  isDown = false;
  /** What the next resume gives. */
  held: { lobby: Lobby; you: number }[] = [];
  /** Methods that answer differently from {@link FakeServer.answer}. */
  readonly scripts: Partial<Record<MethodName, Script>> = {};
  /** What each socket hears first; `undefined`: nothing. */
  greeting: () => unknown = () => ({ nonce: toBase64Url(nodeCrypto.randomBytes(32)) });
  readonly #players = new Map<string, string>();

  get #environment(): ClientEnvironment {
    return { crypto: nodeCrypto, scheduler: this.clock, sockets: this };
  }

  get last(): FakeConnection {
    const connection = this.connections.at(-1);
    if (!connection) throw new Error('nobody has connected');
    return connection;
  }

  open(_url: string, protocols: readonly string[], handlers: SocketHandlers): Socket {
    const connection = new FakeConnection(this, handlers);
    this.connections.push(connection);
    this.clock.after(LATENCY_MS, () => {
      if (this.isDown) connection.drop('refused');
      else {
        connection.deliver(() => handlers.onOpen(protocols[0] ?? ''));
        const params = this.greeting();
        if (params) connection.say({ jsonrpc: '2.0', method: 'session.challenged', params });
      }
    });
    return connection;
  }

  /** A session; time passes until `connect` has settled. */
  async connect(options: Partial<ConnectOptions> = {}): Promise<Session> {
    return await this.settled(Session.open(this.#environment, { ...atFake, ...options }));
  }

  /** A session that is on its way. */
  start(options: Partial<ConnectOptions> = {}): Session {
    return Session.start(this.#environment, { ...atFake, ...options });
  }

  /** Lets time pass until the promise settles, at most an hour. */
  async settled<T>(promise: Promise<T>, hourMs = 3_600_000): Promise<T> {
    let isSettled = false;
    const end = (): void => {
      isSettled = true;
    };
    promise.then(end, end);
    for (let leftMs = hourMs; !isSettled && leftMs > 0; leftMs -= 10) {
      await this.clock.advanceAsync(10);
    }
    if (!isSettled) throw new Error('it did not settle in an hour');
    return await promise;
  }

  answer(method: MethodName, params: never, connection: FakeConnection): unknown {
    const script = this.scripts[method] ?? defaults[method];
    this.requests.push(method);
    this.requestTimes.push(this.clock.now());
    return script ? script.call(this, params, connection) : {};
  }

  /** What a guest's login gives. */
  loggedIn(publicKey = '', sessionKey = ''): Record<string, unknown> {
    const key = fromBase64Url(publicKey) ?? new Uint8Array();
    return this.opened(guestPlayerId(nodeCrypto, 'game', key), sessionKey);
  }

  opened(player: string, sessionKey: string): Record<string, unknown> {
    this.#players.set(sessionKey, player);
    return {
      player,
      name: 'Player',
      cert: this.certOf(player, sessionKey),
      caPublicKey: toBase64Url(nodeCrypto.ed25519PublicKey(this.ca)),
      resumeToken: toBase64Url(nodeCrypto.randomBytes(32)),
      seatHoldMs: 90_000,
      serverTimeMs: this.clock.wallClockMs(),
      stunUrls: ['stun:fake.example:3478'],
    };
  }

  playerOf(sessionKey: string): string {
    return this.#players.get(sessionKey) ?? '';
  }

  sessionKeyOf(player: string): string {
    return [...this.#players].find(([, known]) => known === player)?.[0] ?? '';
  }

  certOf(player: string, sessionKey: string): string {
    const nowSec = Math.floor(this.clock.wallClockMs() / 1000);
    const cert = issueCert(nodeCrypto, this.ca, {
      identity: `str:${player}`,
      publicKey: fromBase64Url(sessionKey) ?? new Uint8Array(),
      timeCreatedSec: nowSec,
      timeExpirySec: nowSec + 86_400,
    });
    return toBase64Url(cert);
  }

  /** A member with a session key of its own. */
  member(id: number, change: Partial<Member> = {}): { member: Member; seed: Uint8Array } {
    const seed = nodeCrypto.randomBytes(32);
    const publicKey = nodeCrypto.ed25519PublicKey(seed);
    const player = guestPlayerId(nodeCrypto, 'game', publicKey);
    const member: Member = {
      id,
      player,
      name: `Member ${id}`,
      peer: id + 1,
      connected: true,
      ready: false,
      data: {},
      cert: this.certOf(player, toBase64Url(publicKey)),
      proof: 'key',
      capabilities: ['relay'],
      ...change,
    };
    return { member, seed };
  }

  lobby(owner: number, members: readonly Member[], change: Partial<Lobby> = {}): Lobby {
    return {
      id: 'AAAAAAAAAAAAAAAAAAAAAA',
      code: 'ACDEFG',
      type: 'private',
      name: '',
      capacity: 8,
      joinable: true,
      requireKey: false,
      epoch: 1,
      revision: 1,
      owner,
      data: {},
      members,
      ...change,
    };
  }
}

/** What an obliging server answers. */
const defaults: Partial<
  Record<MethodName, (this: FakeServer, params: Record<string, string>) => unknown>
> = {
  'session.challenge': () => ({ nonce: toBase64Url(nodeCrypto.randomBytes(32)) }),
  'session.loginGuest'({ publicKey, sessionKey }) {
    return this.loggedIn(publicKey, sessionKey);
  },
  'session.loginToken'({ sessionKey = '' }) {
    return this.opened(`u${'a'.repeat(26)}`, sessionKey);
  },
  'session.resume'({ sessionKey = '' }) {
    return { ...this.opened(this.playerOf(sessionKey), sessionKey), lobbies: this.held };
  },
  'session.ping'() {
    return { serverTimeMs: this.clock.wallClockMs() };
  },
};

/** One socket, both ends. */
export class FakeConnection implements Socket {
  readonly bufferedAmount = 0;
  /** Signal frames that arrived. */
  readonly signals: Uint8Array[] = [];
  readonly #server: FakeServer;
  readonly #handlers: SocketHandlers;
  #isClosed = false;

  constructor(server: FakeServer, handlers: SocketHandlers) {
    this.#server = server;
    this.#handlers = handlers;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(frame: string | Uint8Array): void {
    this.deliver(() => {
      if (typeof frame !== 'string') this.signals.push(frame);
      else this.#handleRequest(frame);
    });
  }

  close(): void {
    this.drop('closed by the client');
  }

  notify<N extends keyof Notifications>(method: N, params: Notifications[N]): void {
    this.say({ jsonrpc: '2.0', method, params });
  }

  say(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    this.deliver(() => this.#handlers.onText(text));
  }

  sayBytes(bytes: Uint8Array): void {
    this.deliver(() => this.#handlers.onBinary(bytes));
  }

  drop(reason = 'cut'): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.clock.after(0, () => this.#handlers.onClosed(reason));
  }

  deliver(frame: () => void): void {
    this.#server.clock.after(LATENCY_MS, () => {
      if (!this.#isClosed) frame();
    });
  }

  #handleRequest(text: string): void {
    const { id, method, params } = JSON.parse(text);
    const result = this.#server.answer(method, params as never, this);
    if (result === SILENCE) return;
    if (result instanceof Refusal) {
      const data = { code: result.code };
      this.say({ jsonrpc: '2.0', id, error: { code: -32_000, message: 'refused', data } });
    } else {
      this.say({ jsonrpc: '2.0', id, result });
    }
  }
}

/** Where a page keeps its secrets, to be handed to the session of its next load. */
export function pageStores(): { keyStore: MemoryKeyStore; sessionStore: MemoryKeyStore } {
  return { keyStore: new MemoryKeyStore(), sessionStore: new MemoryKeyStore() };
}
