import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import { CONTROL_SUBPROTOCOL } from '@partyline/protocol';
import { type FastifyInstance, fastify } from 'fastify';
import { type Config, ConfigError, type TlsFiles } from '../config/index.ts';
import type { ServerLogger } from './logger.ts';

export interface HttpOptions {
  readonly config: Config;
  readonly logger: ServerLogger;
  readonly version: string;
  /** With it HTTPS, and nothing else. */
  readonly tls?: TlsFiles | undefined;
  /** False once the server is going down: a load balancer sends nobody any more. */
  isReady(): boolean;
}

/** No route takes a body, so a request that is not there after so long never will be (slow loris). */
const REQUEST_MS = 10_000;
/** An idle connection may wait so long for its next request. */
const KEEP_ALIVE_MS = 5000;
/** Connections beside the open WebSockets: pages that load, health checks, upgrades under way. */
const SPARE_CONNECTIONS = 1000;

/** WebSockets are HTTP/1.1; a TURN client may name itself (RFC 7443), and would be refused if it were not listed. */
const ALPNProtocols = ['http/1.1', 'stun.turn', 'stun.nat-discovery'];

/** The HTTP side: health, what this server is, and the files of mounted games. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { config, logger, version, isReady } = options;
  const http = newFastify(options.tls);
  http.server.maxConnections = config.limits.sockets + SPARE_CONNECTIONS;
  http.addHook('onError', async (_request, _reply, error) => {
    // What a request did wrong is answered, and no reason to wake an operator.
    const isOurs = (error.statusCode ?? 500) >= 500;
    logger[isOurs ? 'error' : 'debug']({ err: error }, 'HTTP request failed');
  });
  http.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    // Invite links carry a token in the address: no other site is to learn it.
    reply.header('referrer-policy', 'no-referrer');
  });
  http.get('/healthz', async () => ({ ok: true }));
  http.get('/readyz', async (_request, reply) => {
    const ready = isReady();
    return reply.code(ready ? 200 : 503).send({ ok: ready });
  });
  http.get('/v1/info', async (_request, reply) => {
    reply.header('access-control-allow-origin', '*'); // nothing here is anybody's secret
    return {
      name: 'partyline',
      version,
      protocols: [CONTROL_SUBPROTOCOL],
      serverTimeMs: Date.now(),
    };
  });
  for (const [name, dir] of Object.entries(config.mounts)) await mount(http, name, dir);
  return http;
}

function newFastify(tls: TlsFiles | undefined): FastifyInstance {
  const common = {
    bodyLimit: 1024,
    forceCloseConnections: true,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const timing = {
    headersTimeout: REQUEST_MS,
    connectionsCheckingInterval: REQUEST_MS / 10,
  };
  if (!tls) return fastify({ ...common, http: timing });
  const https = { ...timing, ...tls, handshakeTimeout: REQUEST_MS, ALPNProtocols };
  // fastify's types know two kinds of instances; both have all that is used here.
  return fastify({ ...common, https }) as unknown as FastifyInstance;
}

async function mount(http: FastifyInstance, name: string, dir: string): Promise<void> {
  const root = resolve(dir);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError(`There is no folder ${root} to serve at /${name}/. Is the game built?`);
  }
  http.get(`/${name}`, async (request, reply) => {
    // Relative addresses of the page need the slash; what stands behind `?` is the player's.
    return reply.redirect(request.url.replace(`/${name}`, `/${name}/`), 308);
  });
  await http.register(fastifyStatic, {
    root,
    prefix: `/${name}/`,
    decorateReply: false,
    redirect: true,
    dotfiles: 'ignore', // `.git` and `.env` are nobody's game
    cacheControl: false,
    // Asked for again each time, answered with 304: a name alone does not tell whether it has a hash in it.
    setHeaders: (reply) => reply.header('cache-control', 'no-cache'),
  });
}
