import { type TurnLimits, turnLimitDefaults } from 'partyline/protocol/turn-server';
import { z } from 'zod';

/** Of relayed addresses: short, so that a firewall or a container can name them. */
export const defaultRelayPorts: { readonly min: number; readonly max: number } = {
  min: 49_160,
  max: 49_559,
};

/** The TURN relay inside the server, or the one that stands in for it. */
export interface TurnConfig {
  /** Needs STUN: it answers on the same port. */
  readonly enabled: boolean;
  /** `turn:host:port?transport=udp`: of another relay that shares `secret`, for example coturn. Ours stays off then. */
  readonly urls: readonly string[];
  /** Signs credentials; absent: a random one of this run. */
  readonly secret?: string | undefined;
  readonly realm: string;
  /** Where peers are sent from: `IP`, or `PUBLIC=OWN` behind a NAT. Empty: the listening address, else this machine's first. */
  readonly addresses: readonly string[];
  readonly ports: { readonly min: number; readonly max: number };
  /** Private ranges that are open to peers. */
  readonly allowPeers: readonly string[];
  readonly denyPeers: readonly string[];
  /** Processes that relay, on UDP ports of their own from STUN's on; 0: this one relays. */
  readonly workers: number;
  /** Limits of docs/relay.md to replace. */
  readonly limits: Partial<TurnLimits>;
  /** How long a credential opens new allocations. */
  readonly ttlSec: number;
}

// Object.keys widens; these are the record's keys.
const limitNames = Object.keys(turnLimitDefaults) as (keyof TurnLimits)[];
const port = z.int().min(1).max(0xffff);
const ranges = z.array(z.string().max(60)).max(100).default([]);

/** What may be written: every key may be left out. */
export type TurnInput = { readonly [K in keyof TurnConfig]?: TurnConfig[K] | undefined };

export const turnSchema: z.ZodType<TurnConfig, TurnInput | undefined> = z
  .strictObject({
    enabled: z.boolean().default(true),
    urls: z
      .array(
        z
          .string()
          .max(200)
          .regex(/^turns?:[^\s]+$/, 'turn:host:port?transport=udp'),
      )
      .max(8)
      .default([]),
    secret: z.string().min(16, 'at least 16 letters').max(200).optional(),
    realm: z.string().min(1).max(127).default('partyline'),
    addresses: z.array(z.string().max(100)).max(2).default([]),
    ports: z.strictObject({ min: port, max: port }).default(defaultRelayPorts),
    allowPeers: ranges,
    denyPeers: ranges,
    workers: z.int().min(0).max(64).default(0),
    limits: z.partialRecord(z.enum(limitNames), z.number().min(0)).default({}),
    ttlSec: z.int().min(60).max(604_800).default(43_200),
  })
  .refine(({ urls, secret }) => urls.length === 0 || secret !== undefined, {
    error: 'another relay needs the secret that it knows',
    path: ['secret'],
  })
  .prefault({});
