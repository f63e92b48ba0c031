import { limits, rateLimits } from '@partyline/protocol';
import { z } from 'zod';
import { parseListenAddress } from './listen-address.ts';

const listenAddress = z
  .string()
  .refine((text) => parseListenAddress(text) !== undefined, 'HOST:PORT, for example 0.0.0.0:7777');

const appName = z
  .string()
  .regex(new RegExp(`^[a-z0-9-]{1,${limits.appLength}}$`), '1 to 32 of a-z 0-9 -');

/** What jose can verify with a key that is not a shared secret, and HS256 for who has nothing else. */
const jwtAlgorithm = z.enum(['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'HS256']);

const jwtSchema = z.strictObject({
  issuer: z.string().min(1).max(200),
  audience: z.string().min(1).max(200),
  algorithms: z.array(jwtAlgorithm).min(1),
  /** A JWK, or PEM text of a public key. */
  key: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
});

export const appSchema = z.strictObject({
  /** Web origins whose pages may use this app; absent: any. */
  origins: z.array(z.url()).optional(),
  /** Whether players without an account may play. */
  guests: z.boolean().default(true),
  jwt: jwtSchema.optional(),
});

const rate = z.strictObject({ perSecond: z.number().positive(), burst: z.number().min(1) });

/** Each limit of `rateLimits`, with the protocol's number as default. */
const rateOverrides = z
  .partialRecord(
    // Object.keys widens; these are the record's keys.
    z.enum(Object.keys(rateLimits) as [keyof typeof rateLimits, ...(keyof typeof rateLimits)[]]),
    rate,
  )
  .default({})
  .transform((overrides) => ({ ...rateLimits, ...overrides }));

const count = z.int().min(1);

/** What one server carries; what one message may be stands in the protocol's `limits`. */
const serverLimits = z
  .strictObject({
    sockets: count.default(20_000),
    socketsPerAddress: count.default(200),
    /** Requests of one socket under way at once. */
    requestsInFlight: count.default(256),
    lobbiesPerSession: count.default(limits.lobbiesPerSession),
    lobbiesPerApp: count.default(100_000),
    /** Commands waiting for one lobby. */
    commandsWaiting: count.default(1000),
    /** Unsent bytes of one control socket; past it the socket is closed, the session can be resumed. */
    controlBufferBytes: count.default(1_048_576),
    /** Unsent bytes of one relay socket; past it unreliable frames are dropped and senders of reliable ones wait. */
    relayBufferBytes: count.default(262_144),
    /** How long the sender of reliable frames waits for a receiver before that receiver is closed. */
    relayStallMs: count.default(5000),
    /** STUN requests of one address. */
    stunPerSecond: count.default(20),
  })
  .prefault({});

/** One schema for flags, environment, file and defaults. */
export const configSchema = z.strictObject({
  dev: z.boolean().default(false),
  listen: listenAddress.default('0.0.0.0:7777'),
  stun: z.union([z.literal(['off', 'same']), listenAddress]).default('same'),
  publicUrl: z
    .url({
      protocol: /^https?$/,
      error: 'a URL as players reach it, for example https://play.example.com',
    })
    .optional(),
  dataDir: z.string().min(1).default('.partyline'),
  apps: z
    .record(appName, appSchema)
    .refine((apps) => Object.keys(apps).length > 0, 'at least one app, for example {"my-game": {}}')
    .default({}),
  mounts: z.record(appName, z.string().min(1)).default({}),
  codeLength: z.literal([limits.codeLength, limits.devCodeLength]).default(limits.codeLength),
  seatHoldMs: z.int().min(0).max(3_600_000).default(90_000),
  loginTimeoutMs: count.default(10_000),
  keepAliveMs: count.default(15_000),
  shutdownMs: count.default(3000),
  trustedProxies: z.int().min(0).max(8).default(0),
  logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
  logFormat: z.enum(['json', 'pretty']).default('json'),
  rateLimits: rateOverrides,
  limits: serverLimits,
});

/** What may be written: every field optional. */
export type ConfigInput = z.input<typeof configSchema>;
/** What the server runs on: every field there. */
export type Config = z.output<typeof configSchema>;
export type AppConfig = z.output<typeof appSchema>;
export type JwtConfig = NonNullable<AppConfig['jwt']>;
