import type { ConnectionOptions } from 'node:tls';
import { NetError } from '../base/index.ts';
import {
  allocateTurn,
  parseTurnUrl,
  type TurnAllocation,
  type TurnCarrierFactory,
  type TurnClientOptions,
  type TurnEndpoint,
} from '../turn/index.ts';
import { nodeCrypto } from './crypto.ts';
import { nodeScheduler } from './scheduler.ts';
import {
  socketTurnCarriers,
  tcpTurnCarriers,
  tlsTurnCarriers,
  udpTurnCarriers,
} from './turn-carriers.ts';
import { nodeLegacyCrypto } from './turn-crypto.ts';

export interface OpenTurnOptions
  extends Omit<TurnClientOptions, 'server' | 'carriers' | 'crypto' | 'scheduler'> {
  /** `turn:HOST[:PORT][?transport=udp|tcp]`, `turns:HOST[:PORT]` or `ws[s]://HOST[:PORT]`. */
  readonly url: string;
  /** The interface that UDP and TCP leave by. Default: the system's choice. */
  readonly localHost?: string;
  /** Whom to trust over TLS. Default: Node's authorities. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized'>;
}

/**
 * An allocation at the TURN server that the URL names, by this machine's sockets. As `allocateTurn`.
 * @throws NetError `OPTIONS_INVALID`, or `TURN_…`
 */
export async function openTurn(options: OpenTurnOptions): Promise<TurnAllocation> {
  const endpoint = parseTurnUrl(options.url);
  if (!endpoint)
    throw new NetError('OPTIONS_INVALID', `«${options.url}» is no URL of a TURN server`);
  const { host, port } = endpoint;
  return await allocateTurn({
    ...options,
    server: { host, port },
    carriers: carriersOf(endpoint, options),
    crypto: { ...nodeCrypto, ...nodeLegacyCrypto },
    scheduler: nodeScheduler,
  });
}

function carriersOf(
  { transport }: TurnEndpoint,
  { localHost, tls }: OpenTurnOptions,
): TurnCarrierFactory {
  const local = localHost === undefined ? {} : { localHost };
  switch (transport) {
    case 'udp':
      return udpTurnCarriers(local);
    case 'tcp':
      return tcpTurnCarriers(local);
    case 'tls':
      return tlsTurnCarriers(tls);
    default:
      return socketTurnCarriers(transport);
  }
}
