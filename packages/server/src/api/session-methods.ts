import type { sessionMethods } from '@partyline/protocol';
import type { App } from '../app/index.ts';
import { Refused } from '../base/index.ts';
import {
  type OpenSession,
  proveGuest,
  proveToken,
  requireSessionKey,
  toText,
} from '../identity/index.ts';
import { CLOSE } from './close-codes.ts';
import type { ControlSocket } from './control-socket.ts';
import type { Handlers, Result } from './methods.ts';
import type { Services } from './services.ts';

export const sessionHandlers: Handlers<keyof typeof sessionMethods> = {
  'session.challenge': ({ apps, clock }, socket, params) => {
    const app = requireApp(apps, params.app, socket);
    return { result: { nonce: toText(socket.challenge.issue(app.id, clock.nowMs())) } };
  },

  'session.loginGuest': (services, socket, params) =>
    socket.exclusively(async () => {
      const { app, nonce } = beginLogin(services, socket, params);
      const opened = await services.sessions.open(app, proveGuest(app, params, nonce));
      await socket.adopt(app, opened);
      return { result: openedResult(services, socket, app, opened) };
    }),

  'session.loginToken': (services, socket, params) =>
    socket.exclusively(async () => {
      const { app, nonce } = beginLogin(services, socket, params);
      const { sessions, store, clock } = services;
      const proven = await proveToken(app, params, nonce, store, clock.wallMs());
      const opened = await sessions.open(app, proven);
      await socket.adopt(app, opened);
      return { result: openedResult(services, socket, app, opened) };
    }),

  'session.resume': (services, socket, params) =>
    socket.exclusively(async () => {
      const { app, nonce } = beginLogin(services, socket, params);
      requireSessionKey(app, params, nonce);
      const opened = await services.sessions.resume(app, params.resumeToken, params.sessionKey);
      const session = await socket.adopt(app, opened);
      const seats = await services.lobbies.returnTo(session);
      const lobbies = seats.map(({ lobby, you }) => ({ lobby, you }));
      return {
        result: { ...openedResult(services, socket, app, opened), lobbies },
        after: () => {
          for (const seat of seats) seat.open();
        },
      };
    }),

  'session.iceServers': ({ turn }, { session, client }) => {
    const owner = {
      app: session.app.id,
      player: session.record.player,
      session: session.record.id,
    };
    const none = { urls: [], username: '', credential: '', ttlSec: 0 };
    return { result: turn()?.issue(owner, client.localAddress) ?? none };
  },

  'session.logout': async (_services, socket) => {
    await socket.session.logout();
    return { result: {}, after: () => socket.close(CLOSE.done, 'logged out') };
  },

  'session.ping': ({ clock }) => ({ result: { serverTimeMs: clock.wallMs() } }),
};

function requireApp(apps: ReadonlyMap<string, App>, id: string, { client }: ControlSocket): App {
  const app = apps.get(id);
  if (!app) throw new Refused('APP_UNKNOWN', `this server has no app «${id}»`);
  const { origins } = app.settings;
  // Only browsers say where a page comes from; for others this list is no protection and no hindrance.
  const { webOrigin } = client;
  if (origins && webOrigin !== undefined && !origins.some((o) => sameOrigin(o, webOrigin))) {
    throw new Refused('APP_FORBIDDEN', `this app may not be used by pages of ${webOrigin}`);
  }
  return app;
}

function sameOrigin(configured: string, sent: string): boolean {
  return new URL(configured).origin === sent;
}

/** Everything that can be checked before a signature: cheap first. */
function beginLogin(
  { apps, clock, logins, logger, origins }: Services,
  socket: ControlSocket,
  params: { readonly app: string; readonly origin: string },
): { app: App; nonce: Uint8Array } {
  const app = requireApp(apps, params.app, socket);
  const nowMs = clock.nowMs();
  const { addressKey } = socket.client;
  if (!logins.take(addressKey, nowMs)) {
    throw new Refused('RATE_LIMITED', 'too many logins', logins.waitMs(addressKey, nowMs));
  }
  const nonce = socket.challenge.redeem(app.id, nowMs);
  if (!nonce) {
    throw new Refused('AUTH_FAILED', 'no fresh challenge: ask for one on this socket, use it once');
  }
  if (!origins.has(params.origin, socket.client)) {
    logger.warn(
      { origin: params.origin },
      'a login was signed for an origin that is not ours; is publicUrl set?',
    );
    throw new Refused('AUTH_FAILED', 'the login was signed for another server');
  }
  return { app, nonce };
}

function openedResult(
  { clock, config, stunUrls }: Services,
  { client }: ControlSocket,
  app: App,
  { record, resumeToken }: OpenSession,
): Result<'session.loginGuest'> {
  return {
    player: record.player,
    name: record.name,
    cert: record.cert,
    caPublicKey: toText(app.ca.publicKey),
    resumeToken,
    seatHoldMs: config.seatHoldMs,
    serverTimeMs: clock.wallMs(),
    stunUrls: [...stunUrls(client.localAddress)],
  };
}
