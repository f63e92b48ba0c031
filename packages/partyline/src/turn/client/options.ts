import { type Logger, NetError, type Scheduler, silentLogger } from '../../base/index.ts';
import type { Crypto } from '../../crypto/index.ts';
import {
  resolveStunTransactionOptions,
  type StunAddress,
  type StunCrypto,
  type StunTransactionOptions,
} from '../../stun/index.ts';
import type { RestCredential } from '../rest-credentials.ts';
import type { TurnCarrierFactory, TurnServerAddress } from './carrier.ts';

/** Every number that bounds what one allocation keeps. */
export interface TurnClientLimits {
  /** Peer hosts; a relay usually allows 64. Default 64. */
  readonly permissions: number;
  /** Ports of one peer host that we have sent to. Default 64. */
  readonly portsPerPeer: number;
  /** Bound channels; others are reached by indications. Default 64. */
  readonly channels: number;
  /** Datagrams to one peer host that wait for its permission; further ones are dropped. Default 8. */
  readonly waitingPerPeer: number;
  /** Bytes that wait to leave by TCP, TLS or WebSocket; past it datagrams are dropped. Default 262144. */
  readonly unsentBytes: number;
  /** How often a server may send us to another one. Default 3. */
  readonly redirects: number;
}

export const turnClientLimitDefaults: TurnClientLimits = Object.freeze({
  permissions: 64,
  portsPerPeer: 64,
  channels: 64,
  waitingPerPeer: 8,
  unsentBytes: 262_144,
  redirects: 3,
});

export interface TurnAllocationHandlers {
  /** From a peer that was sent to, or permitted. The bytes are a view, good until this returns. */
  onReceive(bytes: Uint8Array, from: StunAddress): void;
  /** A peer cannot be reached through this relay; what is sent to it is dropped for half a minute. */
  onRefused?(host: string, error: NetError): void;
  /** Once, not after `close`: the allocation has ended by itself, and why. */
  onEnded(error: NetError): void;
}

export interface TurnClientOptions {
  readonly server: TurnServerAddress;
  readonly credential: RestCredential;
  readonly carriers: TurnCarrierFactory;
  readonly crypto: StunCrypto & Pick<Crypto, 'randomBytes'>;
  readonly scheduler: Scheduler;
  readonly handlers: TurnAllocationHandlers;
  /** Of the relayed addresses; with `both` IPv6 may be missing after all. Default `ipv4`. */
  readonly families?: 'ipv4' | 'ipv6' | 'both';
  /** What to ask for; refreshed in time whatever the server gives. Default: the server's choice. */
  readonly lifetimeSec?: number;
  /** After which `allocateTurn` gives up in any case. Default 45000: UDP's 39.5 s and a challenge. */
  readonly timeoutMs?: number;
  /** How requests are sent again over UDP. */
  readonly timing?: StunTransactionOptions;
  /** Silence after which something is sent, so that NATs and proxies do not forget us. Default 15000. */
  readonly keepaliveMs?: number;
  readonly limits?: Partial<TurnClientLimits>;
  /** Aborting it rejects with its reason. No effect on an allocation that is made. */
  readonly signal?: AbortSignal;
  /** Default: no logs. */
  readonly logger?: Logger;
}

export type ResolvedTurnClientOptions = Required<
  Omit<TurnClientOptions, 'lifetimeSec' | 'signal' | 'limits' | 'timing'>
> & {
  readonly lifetimeSec: number | undefined;
  readonly timing: Required<StunTransactionOptions>;
  readonly limits: TurnClientLimits;
};

/** @throws NetError `OPTIONS_INVALID`, naming the option and what it takes. */
export function resolveTurnClientOptions(options: TurnClientOptions): ResolvedTurnClientOptions {
  const limits = { ...turnClientLimitDefaults, ...options.limits };
  const { lifetimeSec, timeoutMs = 45_000, keepaliveMs = 15_000 } = options;
  const numbers = { ...limits, timeoutMs, keepaliveMs, lifetimeSec: lifetimeSec ?? 600 };
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value > 0)) throw invalid(`${name} must be more than 0, not ${value}`);
  }
  const { port } = options.server;
  if (!(Number.isInteger(port) && port > 0 && port <= 0xffff)) {
    throw invalid(`server.port must be 1 to 65535, not ${port}`);
  }
  return {
    ...options,
    families: options.families ?? 'ipv4',
    lifetimeSec,
    timeoutMs,
    keepaliveMs,
    limits,
    timing: resolveStunTransactionOptions(options.timing),
    logger: options.logger ?? silentLogger,
  };
}

function invalid(message: string): NetError {
  return new NetError('OPTIONS_INVALID', message);
}
