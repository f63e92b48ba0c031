import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';
import { fastify } from 'fastify';
import type { TurnUsage } from 'partyline/protocol/turn-server';
import { sameText } from '../base/index.ts';
import { ConfigError, parseListenAddress } from '../config/index.ts';
import type { Metrics } from './metrics.ts';

/** What an operator sees and does. */
export interface Operated {
  readonly metrics: Metrics;
  /** Who uses the relay now. */
  usage(): Promise<readonly TurnUsage[]>;
  /** Ends what a player has, sessions and allocations; how many sessions there were. */
  kick(player: string): Promise<number>;
}

export interface OperatorOptions {
  /** `HOST:PORT`. */
  readonly listen: string;
  /** Without it only loopback may be listened on. */
  readonly token: string | undefined;
}

/** While it is heard. */
export interface OperatorHttp {
  readonly port: number;
  close(): Promise<void>;
}

/** Longer than any name that usernames can carry. */
const MAX_NAME_LETTERS = 600;
const REQUEST_MS = 10_000;

/**
 * The operator's own HTTP, on an address of its own: `/metrics` for Prometheus, `/turn/usage`, and
 * kicks. @throws ConfigError, or the system's error
 */
export async function openOperatorHttp(
  { listen, token }: OperatorOptions,
  operated: Operated,
): Promise<OperatorHttp> {
  const address = parseListenAddress(listen, '127.0.0.1');
  if (!address) throw new ConfigError(`--operator: HOST:PORT, not «${listen}».`);
  if (token === undefined && !isLoopback(address.host)) {
    throw new ConfigError('--operator on an address that others reach needs --operator-token.');
  }
  const http = fastify({
    bodyLimit: 1024,
    forceCloseConnections: true,
    requestTimeout: REQUEST_MS,
    routerOptions: { maxParamLength: MAX_NAME_LETTERS },
  });
  http.addHook('onRequest', async (request, reply) => {
    const isAllowed =
      token === undefined
        ? isDirect(request.headers.host)
        : sameText(request.headers.authorization ?? '', `Bearer ${token}`);
    if (!isAllowed) await reply.code(401).send({ error: 'who are you?' });
  });
  http.get('/metrics', async (_request, reply) => {
    const { metrics } = operated;
    return reply.type(metrics.contentType).send(await metrics.text());
  });
  http.get('/turn/usage', async () => {
    const players = [...(await operated.usage())];
    return { players: players.sort((a, b) => b.relayedBytes - a.relayedBytes) };
  });
  http.delete<{ Params: { player: string } }>('/players/:player', async (request) => {
    return { sessions: await operated.kick(request.params.player) };
  });
  await http.listen({ host: address.host, port: address.port });
  const { port } = http.server.address() as AddressInfo; // it listens on TCP, so it has one
  return { port, close: () => http.close() };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** A page in the operator's browser can make a name of its own point here; it cannot make an address of it. */
function isDirect(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || isIP(name) !== 0;
}
