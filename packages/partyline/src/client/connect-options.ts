import { type Logger, NetError, type Scheduler, silentLogger } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import { type BackoffOptions, backoffDefaults } from './backoff.ts';
import type { KeyStore } from './key-store.ts';
import type { SocketFactory } from './socket.ts';

export interface ConnectOptions {
  /** The game's name at the server: 1 to 32 of a-z 0-9 and the hyphen. */
  readonly app: string;
  /** `https://host[:port][/path]`, or `http`, `ws`, `wss`. Default in browsers: where the page came from; in Node there is none. */
  readonly server?: string | undefined;
  /** What others see, 1 to 32 characters. Default `Player`. */
  readonly name?: string | undefined;
  /** Which of this machine's guests to be: each has a key of its own. Default `default`. */
  readonly as?: string | undefined;
  /** Log in with a token of an issuer that the app trusts, or a function that gives a fresh one. Default: as a guest, by key. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Where the guest key lives. Default in browsers: localStorage; in Node: nowhere, so that each session is a new guest's. */
  readonly keyStore?: KeyStore | undefined;
  /** Where the way back into a session lives. Default in browsers: sessionStorage, so that a reload keeps its seat; in Node: nowhere. */
  readonly sessionStore?: KeyStore | undefined;
  /** How members can be reached, told to each lobby. Default: what the platform has of `webrtc` and `relay`. */
  readonly capabilities?: readonly string[] | undefined;
  /** The page that invite links open. Default in browsers: this page; in Node: the server's. */
  readonly inviteBase?: string | undefined;
  /** For opening the socket and logging in, in milliseconds. Default 10 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** For each call, in milliseconds. Default 10 000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Between two signs of life, in milliseconds; a missing one counts as a lost connection. Default 10 000. */
  readonly pingIntervalMs?: number | undefined;
  readonly reconnect?: BackoffOptions | undefined;
  /** Aborting rejects `connect`, and closes the session later on. */
  readonly signal?: AbortSignal | undefined;
  /** Default: no logs. */
  readonly logger?: Logger | undefined;
}

/** What the shells give: the machine. */
export interface ClientEnvironment {
  readonly crypto: Crypto;
  readonly scheduler: Scheduler;
  readonly sockets: SocketFactory;
}

/** Every option with its value. */
export interface ResolvedConnectOptions {
  readonly app: string;
  /** Signed at login: `http(s)://host[:port]`, the port left out when it is the scheme's own. */
  readonly origin: string;
  readonly controlUrl: string;
  readonly relayUrl: string;
  readonly name: string;
  readonly as: string;
  readonly token: ConnectOptions['token'];
  readonly keyStore: KeyStore | undefined;
  readonly sessionStore: KeyStore | undefined;
  readonly capabilities: readonly string[];
  readonly inviteBase: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly reconnect: Required<BackoffOptions>;
  readonly signal: AbortSignal | undefined;
  readonly logger: Logger;
}

export const connectDefaults: Readonly<{
  name: string;
  as: string;
  connectTimeoutMs: number;
  requestTimeoutMs: number;
  pingIntervalMs: number;
}> = Object.freeze({
  name: 'Player',
  as: 'default',
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  pingIntervalMs: 10_000,
});

/** @throws NetError `OPTIONS_INVALID` naming the option */
export function resolveConnectOptions(options: ConnectOptions): ResolvedConnectOptions {
  const { app, name = connectDefaults.name, as = connectDefaults.as } = options;
  require(/^[a-z0-9-]{1,32}$/.test(app), 'app: 1 to 32 of a-z 0-9 and the hyphen');
  require(/^[^\p{Cc}\p{Cs}]{1,32}$/u.test(name), 'name: 1 to 32 printable characters');
  require(/^[\w.-]{1,64}$/.test(as), 'as: 1 to 64 of letters, digits, dot, hyphen, underscore');
  const server = serverUrl(options.server);
  const { connectTimeoutMs, requestTimeoutMs, pingIntervalMs } = durations(options);
  return {
    app,
    name,
    as,
    origin: server.origin,
    controlUrl: socketUrl(server, 'v1'),
    relayUrl: socketUrl(server, 'v1/relay'),
    token: options.token,
    keyStore: options.keyStore,
    sessionStore: options.sessionStore,
    capabilities: options.capabilities ?? ['relay'],
    inviteBase: options.inviteBase ?? server.href,
    connectTimeoutMs,
    requestTimeoutMs,
    pingIntervalMs,
    reconnect: backoff(options.reconnect),
    signal: options.signal,
    logger: options.logger ?? silentLogger,
  };
}

/** A wait of nothing would try again without end in one turn. */
function backoff({ minDelayMs, maxDelayMs }: BackoffOptions = {}): Required<BackoffOptions> {
  const first = minDelayMs ?? backoffDefaults.minDelayMs;
  const longest = maxDelayMs ?? Math.max(first, backoffDefaults.maxDelayMs);
  require(first >= 1 && longest >= first, 'reconnect: minDelayMs from 1, maxDelayMs not below it');
  return { minDelayMs: first, maxDelayMs: longest };
}

function durations(
  options: ConnectOptions,
): Record<'connectTimeoutMs' | 'requestTimeoutMs' | 'pingIntervalMs', number> {
  const read = (name: 'connectTimeoutMs' | 'requestTimeoutMs' | 'pingIntervalMs'): number => {
    const value = options[name] ?? connectDefaults[name];
    require(value > 0 && value < 2 ** 31, `${name}: milliseconds, over 0`);
    return value;
  };
  return {
    connectTimeoutMs: read('connectTimeoutMs'),
    requestTimeoutMs: read('requestTimeoutMs'),
    pingIntervalMs: read('pingIntervalMs'),
  };
}

/** As http(s), with a path that ends in a slash. */
function serverUrl(server: string | undefined): URL {
  const what = 'server: an address such as https://play.example.org';
  require(server !== undefined, what);
  let url: URL;
  try {
    url = new URL(String(server).replace(/^ws/i, 'http'));
  } catch (cause) {
    throw new NetError('OPTIONS_INVALID', what, { cause });
  }
  require(/^https?:$/.test(url.protocol), what);
  // Each of these parses the whole address again.
  if (url.search !== '') url.search = '';
  if (url.hash !== '') url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function socketUrl({ protocol, host, pathname }: URL, path: string): string {
  return `${protocol.replace('http', 'ws')}//${host}${pathname}${path}`;
}

function require(good: boolean, message: string): asserts good {
  if (!good) throw new NetError('OPTIONS_INVALID', message);
}
