import type { IcePolicy } from '../../ice/index.ts';
import type { GnsConfig } from '../config.ts';
import type { GnsCrypto, LocalIdentity } from '../handshake.ts';
import type { GnsOptions } from '../options.ts';
import type { P2pIce } from './ice-path.ts';

export interface P2pSetup {
  readonly crypto: GnsCrypto;
  readonly local: LocalIdentity;
  /** Wall clock at time 0 of the caller's monotonic one, in ms since 1970. */
  readonly epochMs: number;
  readonly ice: P2pIce;
}

export interface P2pEndpointOptions {
  /** For every connection: values, or a scope made elsewhere. A listener's and a client's can be given apart. */
  config?: GnsOptions | GnsConfig;
  /** Which candidates of ours are used and told (GNS P2P_Transport_ICE_Enable 104). Default `all`. */
  icePolicy?: IcePolicy;
  /** A peer that is silent for so long is asked for a sign of life (docs/adr/0083). Default 2000. */
  keepaliveMs?: number;
  /** Connections at once, each way. Default 8191, as in GNS. */
  maxConnections?: number;
  /** Connections that wait to be accepted; more are not answered. Default 512. */
  maxIncoming?: number;
  /** Certificates checked a second. Default 2000. */
  maxHandshakesPerSecond?: number;
}

export interface P2pListenOptions {
  /** Who listens also dials, and two that dial each other get one connection (GNS SymmetricConnect 37). Default false. */
  isSymmetric?: boolean;
  /** Values, or a scope made elsewhere: a listener's for its connections, a client's for its own. */
  config?: GnsOptions | GnsConfig;
}

export interface P2pConnectOptions extends P2pListenOptions {
  /** GNS LocalVirtualPort 38. Default the remote one. */
  localVirtualPort?: number;
  icePolicy?: IcePolicy;
}

/** The limits among {@link P2pEndpointOptions}, as docs/limits.md quotes them. */
export const p2pEndpointDefaults: Readonly<
  Required<Pick<P2pEndpointOptions, 'maxConnections' | 'maxIncoming' | 'maxHandshakesPerSecond'>>
> = Object.freeze({ maxConnections: 8191, maxIncoming: 512, maxHandshakesPerSecond: 2000 });
