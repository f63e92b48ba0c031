import type { RateLimitName } from '@partyline/protocol';
import type { Rate } from '../base/index.ts';
import type { TurnConfig, TurnInput } from './turn-config.ts';

export type JwtAlgorithm = 'EdDSA' | 'ES256' | 'ES384' | 'ES512' | 'RS256' | 'PS256' | 'HS256';

/** Who makes the tokens that an app's players log in with. */
export interface JwtConfig {
  readonly issuer: string;
  readonly audience: string;
  /** The only ones accepted. */
  readonly algorithms: readonly JwtAlgorithm[];
  /** A JWK, or PEM text of a public key. */
  readonly key: string | Readonly<Record<string, unknown>>;
}

export interface AppConfig {
  /** Web origins whose pages may use this app; absent: any. */
  readonly origins?: readonly string[] | undefined;
  /** Whether players without an account may play. */
  readonly guests: boolean;
  readonly jwt?: JwtConfig | undefined;
}

/** What one server carries; what one message may be stands in docs/limits.md. */
export interface ServerLimits {
  readonly sockets: number;
  /** Of an IPv4 address or an IPv6 /64. */
  readonly socketsPerAddress: number;
  /** Requests of one socket under way at once. */
  readonly requestsInFlight: number;
  readonly lobbiesPerSession: number;
  readonly lobbiesPerApp: number;
  /** Commands waiting for one lobby. */
  readonly commandsWaiting: number;
  /** Unsent bytes of one control socket; past it the socket is closed, the session can be resumed. */
  readonly controlBufferBytes: number;
  /** Unsent bytes of one relay socket; past it unreliable frames are dropped and senders of reliable ones wait. */
  readonly relayBufferBytes: number;
  /** How long the sender of reliable frames waits for a receiver before that receiver is closed. */
  readonly relayStallMs: number;
  /** STUN requests of one address. */
  readonly stunPerSecond: number;
}

/** What the server runs on: every setting of docs/config.md, resolved. */
export interface Config {
  readonly dev: boolean;
  /** `HOST:PORT`; port 0: any free one. */
  readonly listen: string;
  /** `HOST:PORT`, `same` (host and port number of `listen`), or `off`. */
  readonly stun: string;
  readonly turn: TurnConfig;
  /** PEM files; with both HTTPS is spoken, and TURN over TLS on the same port. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly publicUrl?: string | undefined;
  /** `HOST:PORT` of GNS's trivial signaling by TCP, which believes every name; or `off`. */
  readonly gnsSignaling: string;
  /** `HOST:PORT` of the operator's HTTP, or `off`. */
  readonly operator: string;
  /** What it asks for; without it only loopback is listened on. */
  readonly operatorToken?: string | undefined;
  readonly dataDir: string;
  readonly apps: Readonly<Record<string, AppConfig>>;
  /** Name → folder, served at `/name/`. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly codeLength: 6 | 4;
  readonly seatHoldMs: number;
  readonly loginTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly shutdownMs: number;
  readonly trustedProxies: number;
  readonly logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  readonly logFormat: 'json' | 'pretty';
  readonly rateLimits: Readonly<Record<RateLimitName, Rate>>;
  readonly limits: ServerLimits;
}

/** What may be written: every field optional, with the defaults of docs/config.md. */
export type ConfigInput = Optional<Omit<Config, 'apps' | 'turn' | 'rateLimits' | 'limits'>> & {
  readonly apps?: Readonly<Record<string, Optional<AppConfig>>> | undefined;
  readonly rateLimits?: Optional<Readonly<Record<RateLimitName, Rate>>> | undefined;
  readonly limits?: Optional<ServerLimits> | undefined;
  readonly turn?: TurnInput | undefined;
};

/** Absent and `undefined` are the same: the default. */
type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };
