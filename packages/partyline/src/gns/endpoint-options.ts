import type { Millis } from '../base/index.ts';
import type { AddressKind } from './address.ts';
import type { GnsConfig } from './config.ts';
import type { GnsCrypto, LocalIdentity } from './handshake.ts';
import type { GnsOptions } from './options.ts';

export interface EndpointOptions {
  /** For the socket and every connection: values, or a scope made elsewhere. A client's can be given apart. */
  config?: GnsOptions | GnsConfig;
  /** Take requests to connect. Default false. */
  isListening?: boolean;
  /** Connections at once, each way. Default 8191, as in GNS. */
  maxConnections?: number;
  /** Connections that wait to be accepted; more are not answered. Default 512. */
  maxIncoming?: number;
  /** Certificates checked a second, on which a flood could spend our time. Default 2000. */
  maxHandshakesPerSecond?: number;
}

/** A server that was asked for a challenge before there is a connection. */
export interface AskedServer {
  /** Of the connection to be. */
  readonly id: number;
  /** -Infinity when the question could not be taken, so that it is asked anew. */
  readonly at: Millis;
}

export interface EndpointConnectOptions {
  /** Who it must be. Default: whoever answers. */
  identity?: string;
  /** For the connection: values, or a scope made elsewhere. */
  config?: GnsOptions | GnsConfig;
  /** The same address was asked already, by this endpoint and for nobody else. */
  asked?: AskedServer;
}

/** The limits among {@link EndpointOptions}, as docs/limits.md quotes them. */
export const endpointDefaults: Readonly<
  Required<Pick<EndpointOptions, 'maxConnections' | 'maxIncoming' | 'maxHandshakesPerSecond'>>
> = Object.freeze({ maxConnections: 8191, maxIncoming: 512, maxHandshakesPerSecond: 2000 });

export interface EndpointSetup<Address> {
  readonly crypto: GnsCrypto;
  readonly local: LocalIdentity;
  readonly addresses: AddressKind<Address>;
  /** Wall clock at time 0 of the caller's monotonic one, in ms since 1970. */
  readonly epochMs: number;
  /** 0 to 1; for the fake network alone. */
  readonly random: () => number;
}

export interface EndpointCounts {
  /** Datagrams that did not parse, for no connection. */
  malformed: number;
  /** Stray data, answers to nothing, challenges that are wrong or old. */
  unexpected: number;
  /** Requests over one of the limits. */
  refused: number;
}
