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
export async function connect({ identityFile, ...options }: ConnectOptions): Promise<Session> {
  const environment = { crypto: nodeCrypto, scheduler: nodeScheduler, sockets: nodeSockets };
  const keyStore =
    options.keyStore ?? (identityFile === undefined ? undefined : new FileKeyStore(identityFile));
  return await Session.open(environment, {
    ...options,
    keyStore,
    capabilities: options.capabilities ?? ['webrtc', 'relay'],
  });
}
