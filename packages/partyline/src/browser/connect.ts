import { type ConnectOptions, Session } from '../client/index.ts';
import { browserCrypto } from './crypto.ts';
import { browserScheduler } from './scheduler.ts';
import { browserSockets } from './sockets.ts';
import { WebKeyStore } from './web-key-store.ts';

export type { ConnectOptions };

/**
 * One session of one player; resolves when it is open. After a reload of the page it is the same
 * session, in the same seats (`session.lobbies.joined`).
 * Rejects with a `NetError` (`CONNECT_FAILED`, `CONNECT_TIMEOUT`, `AUTH_FAILED`, `APP_UNKNOWN` …) or the reason of an aborted signal.
 */
export async function connect(options: ConnectOptions): Promise<Session> {
  const environment = {
    crypto: browserCrypto,
    scheduler: browserScheduler,
    sockets: browserSockets,
  };
  const { origin, pathname } = location;
  return await Session.open(environment, {
    ...options,
    server: options.server ?? origin,
    inviteBase: options.inviteBase ?? origin + pathname,
    keyStore: options.keyStore ?? new WebKeyStore(() => localStorage),
    sessionStore: options.sessionStore ?? new WebKeyStore(() => sessionStorage),
    capabilities:
      options.capabilities ?? ('RTCPeerConnection' in globalThis ? ['webrtc', 'relay'] : ['relay']),
  });
}
