import { Session, type ConnectOptions as SharedConnectOptions } from '../client/index.ts';
import { nodeCrypto } from './crypto.ts';
import { FileKeyStore } from './file-key-store.ts';
import { nodeScheduler } from './scheduler.ts';
import { nodeSockets } from './sockets.ts';

export interface ConnectOptions extends SharedConnectOptions {
  /** A file, readable by its owner alone, that keeps the guest key between runs. Default: a new guest each time. */
  readonly identityFile?: string | undefined;
}

/**
 * One session of one player; resolves when it is open.
 * Rejects with a `NetError` (`CONNECT_FAILED`, `CONNECT_TIMEOUT`, `AUTH_FAILED`, `APP_UNKNOWN` …) or the reason of an aborted signal.
 */
export async function connect(options: ConnectOptions): Promise<Session> {
  return await Session.open(environment, withDefaults(options));
}

/**
 * The session at once, while it connects: what is asked of it meanwhile goes out right behind the
 * login, so that a game is hosted, or joined, in one round trip. `session.opened` is what
 * {@link connect} waits for, and every call rejects with its reason.
 * @throws NetError `OPTIONS_INVALID`
 */
export function startSession(options: ConnectOptions): Session {
  return Session.start(environment, withDefaults(options));
}

const environment = { crypto: nodeCrypto, scheduler: nodeScheduler, sockets: nodeSockets };

function withDefaults({ identityFile, ...options }: ConnectOptions): SharedConnectOptions {
  const keyStore =
    options.keyStore ?? (identityFile === undefined ? undefined : new FileKeyStore(identityFile));
  return { ...options, keyStore, capabilities: options.capabilities ?? ['webrtc', 'relay'] };
}
