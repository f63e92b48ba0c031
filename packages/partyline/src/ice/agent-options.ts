import type { Crypto } from '../crypto/index.ts';
import type { StunCrypto } from '../stun/index.ts';
import type { IceCredentials } from './credentials.ts';

/** RFC 8445 §6.1.1: the controlling side chooses the pair. In GNS that is the accepting side. */
export type IceRole = 'controlling' | 'controlled';

/** `standard` is RFC 8445; `gns` is the dialect of GameNetworkingSockets' native client. */
export type IceDialect = 'standard' | 'gns';

/** `relay`: relay candidates only, nobody learns an address. `host`: neither STUN nor TURN. */
export type IcePolicy = 'all' | 'relay' | 'host';

export type IceCrypto = Pick<Crypto, 'randomBytes'> & StunCrypto;

export interface IceAgentOptions {
  readonly crypto: IceCrypto;
  readonly role: IceRole;
  /** Default `standard`. */
  readonly dialect?: IceDialect;
  /** Default fresh ones; `gns` must pass {@link gnsIceCredentials}. */
  readonly credentials?: IceCredentials;
  /** Which local candidates are used and told. Default `all`. */
  readonly policy?: IcePolicy;
  /** Default as {@link iceTimings}. */
  readonly timings?: Partial<IceTimings>;
}

/** All in milliseconds. */
export interface IceTimings {
  /** `Ta` of RFC 8445 §14.2: between two checks. Default 20. */
  readonly paceMs: number;
  /** Wait before a check is sent again; grows by half each time. Default 250. */
  readonly checkRtoMs: number;
  /** Checks sent for a pair before it failed. Default 7. */
  readonly maxCheckRequests: number;
  /** How long a valid pair with a relay in it waits for a direct one. Default 600. */
  readonly relayHoldMs: number;
  /**
   * For so long relayed pairs are checked only when the other side checks them: most often a direct
   * one works by then, and many a controlling side takes the first that does. Default 200.
   */
  readonly relayCheckDelayMs: number;
  /** How long a valid direct pair waits for one of higher priority that is being checked. Default 60. */
  readonly settleMs: number;
  /** Without a pair after this: `failed`. Counted from the first remote candidate or credentials. Default 20000. */
  readonly connectTimeoutMs: number;
  /** Between two keepalives of the selected pair, ±20 % (RFC 7675 §5.1); without consent only while nothing is sent. Default 4000. */
  readonly keepaliveMs: number;
  /** Two datagrams sent, but nothing heard for so long: the pair is tested at once. Default 400. */
  readonly silenceMs: number;
  /** Nothing heard on any pair for so long: `failed` (RFC 7675 §5.1). Default 30000. */
  readonly consentMs: number;
}
