import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import { CONTROL_SUBPROTOCOL } from '@partyline/protocol';
import { type FastifyInstance, fastify } from 'fastify';
import { type Config, ConfigError } from '../config/index.ts';
import type { ServerLogger } from './logger.ts';

export interface HttpOptions {
  readonly config: Config;
  readonly logger: ServerLogger;
  readonly version: string;
  /** False once the server is going down: a load balancer sends nobody any more. */
  isReady(): boolean;
}

/** The HTTP side: health, what this server is, and the files of mounted games. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { config, logger, version, isReady } = options;
  const http = fastify({
    bodyLimit: 1024, // no route takes a body
    forceCloseConnections: true,
  });
  http.addHook('onError', async (_request, _reply, error) => {
    logger.error({ err: error }, 'HTTP request failed');
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

async function mount(http: FastifyInstance, name: string, dir: string): Promise<void> {
  const root = resolve(dir);
  if (!existsSync(root)) {
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
    cacheControl: false,
    setHeaders: (reply, path) => {
      // Built files have their hash in the name; everything else is asked for again.
      const isHashed = /[.-][A-Za-z0-9_-]{8,}\.(js|css|woff2|png|svg|wasm)$/.test(path);
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
