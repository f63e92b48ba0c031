import { limits, rateLimits } from '@partyline/protocol';
import { z } from 'zod';
import type { Config, ConfigInput } from './config.ts';
import { parseListenAddress } from './listen-address.ts';
import { turnSchema } from './turn-config.ts';

const listenAddress = z
  .string()
  .refine((text) => parseListenAddress(text) !== undefined, 'HOST:PORT, for example 0.0.0.0:7777');

const appName = z
  .string()
  .regex(new RegExp(`^[a-z0-9-]{1,${limits.appLength}}$`), '1 to 32 of a-z 0-9 -');

/** What jose can verify with a key that is not a shared secret, and HS256 for who has nothing else. */
const jwtAlgorithm = z.enum(['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'HS256']);

/** Names of our own addresses. */
const takenNames: readonly string[] = ['v1', 'healthz', 'readyz'];
const mountName = appName.refine(
  (name) => !takenNames.includes(name),
  `a name other than ${takenNames.join(', ')}`,
);

const jwtSchema = z.strictObject({
  issuer: z.string().min(1).max(200),
  audience: z.string().min(1).max(200),
  algorithms: z.array(jwtAlgorithm).min(1),
  key: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
});

const appSchema = z.strictObject({
  origins: z.array(z.url()).optional(),
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

const serverLimits = z
  .strictObject({
    sockets: count.default(20_000),
    socketsPerAddress: count.default(200),
    requestsInFlight: count.default(256),
    lobbiesPerSession: count.default(limits.lobbiesPerSession),
    lobbiesPerApp: count.default(100_000),
    commandsWaiting: count.default(1000),
    controlBufferBytes: count.default(1_048_576),
    relayBufferBytes: count.default(262_144),
    relayStallMs: count.default(5000),
    stunPerSecond: count.default(20),
  })
  .prefault({});

/** One schema for flags, environment, file and defaults. */
export const configSchema: z.ZodType<Config, ConfigInput> = z.strictObject({
  dev: z.boolean().default(false),
  listen: listenAddress.default('0.0.0.0:7777'),
  stun: z.union([z.literal(['off', 'same']), listenAddress]).default('same'),
  turn: turnSchema,
  tlsCert: z.string().min(1).optional(),
  tlsKey: z.string().min(1).optional(),
  publicUrl: z
    .url({
      protocol: /^https?$/,
      error: 'a URL as players reach it, for example https://play.example.com',
    })
    .optional(),
  gnsSignaling: z.union([z.literal('off'), listenAddress]).default('off'),
  operator: z.union([z.literal('off'), listenAddress]).default('off'),
  operatorToken: z.string().min(16, 'at least 16 letters').max(200).optional(),
  dataDir: z.string().min(1).default('.partyline'),
  apps: z
    .record(appName, appSchema)
    .refine((apps) => Object.keys(apps).length > 0, 'at least one app, for example {"my-game": {}}')
    .default({}),
  mounts: z.record(mountName, z.string().min(1)).default({}),
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
