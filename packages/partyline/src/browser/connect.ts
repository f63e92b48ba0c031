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

const environment = {
  crypto: browserCrypto,
  scheduler: browserScheduler,
  sockets: browserSockets,
};

function withDefaults(options: ConnectOptions): ConnectOptions {
  const { origin, pathname } = location;
  return {
    ...options,
    server: options.server ?? origin,
    inviteBase: options.inviteBase ?? origin + pathname,
    keyStore: options.keyStore ?? new WebKeyStore(() => localStorage),
    sessionStore: options.sessionStore ?? new WebKeyStore(() => sessionStorage),
    capabilities:
      options.capabilities ?? ('RTCPeerConnection' in globalThis ? ['webrtc', 'relay'] : ['relay']),
  };
}
