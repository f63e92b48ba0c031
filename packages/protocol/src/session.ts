import { z } from 'zod';
import { limits } from './limits.ts';
import { lobby } from './lobby.ts';
import {
  appId,
  cert,
  memberId,
  nonce,
  playerId,
  playerName,
  publicKey,
  resumeToken,
  signature,
} from './values.ts';

const opened = z.object({
  player: playerId,
  name: playerName,
  /** Certifies the session key, signed by the app's CA. */
  cert,
  caPublicKey: publicKey,
  /** Single use: each resume gives the next. */
  resumeToken,
  /** How long a dropped session's seats are held. */
  seatHoldMs: z.int(),
  serverTimeMs: z.number(),
  /** What ICE may ask: `stun:host:port`. */
  stunUrls: z.array(z.string().max(200)).max(8),
});

/**
 * The bytes signed here are an envelope (docs/wire/envelope.md): 0x00, purpose, origin, app, nonce, session key.
 * `origin` is what the client dialled, as `scheme://host:port`.
 */
export const sessionMethods = {
  /** Another nonce for this socket, after the one of `session.challenged` was used: 30 s, good for one login. */
  'session.challenge': { params: z.object({ app: appId }), result: z.object({ nonce }) },
  'session.loginGuest': {
    params: z.object({
      app: appId,
      name: playerName,
      origin: z.string().max(200),
      publicKey,
      sessionKey: publicKey,
      /** By the guest's long-lived key, purpose `login`. */
      signature,
      /** By the session key over the same bytes, purpose `session`: proof that it is the client's own. */
      sessionSignature: signature,
    }),
    result: opened,
  },
  'session.loginToken': {
    params: z.object({
      app: appId,
      name: playerName,
      origin: z.string().max(200),
      token: z.string().max(limits.tokenLength),
      sessionKey: publicKey,
      sessionSignature: signature,
    }),
    result: opened,
  },
  'session.resume': {
    params: z.object({
      app: appId,
      origin: z.string().max(200),
      resumeToken,
      sessionKey: publicKey,
      /** By the session key, purpose `session`. */
      sessionSignature: signature,
    }),
    /** Every lobby that still holds a seat for this session. */
    result: opened.extend({ lobbies: z.array(z.object({ lobby, you: memberId })) }),
  },
  /** A TURN credential of this session; `urls` is empty when the server has no relay. Ask again at two thirds of `ttlSec`. */
  'session.iceServers': {
    params: z.object({}),
    result: z.object({
      /** `turn:host:port?transport=udp`. */
      urls: z.array(z.string().max(200)).max(8),
      username: z.string().max(200),
      credential: z.string().max(100),
      /** How long it opens new allocations; one that is open can be refreshed as long as the session lives. */
      ttlSec: z.int(),
    }),
  },
  /** Ends the session for good: leaves every lobby. */
  'session.logout': { params: z.object({}), result: z.object({}) },
  'session.ping': { params: z.object({}), result: z.object({ serverTimeMs: z.number() }) },
} as const;

export const sessionNotifications = {
  /** The first message on every socket, so that a login need not ask for it. */
  'session.challenged': z.object({ nonce }),
  /** The last message on this socket. */
  'session.ended': z.object({
    code: z.enum(['SESSION_REPLACED', 'SESSION_EXPIRED', 'SERVER_SHUTTING_DOWN']),
    message: z.string(),
  }),
} as const;
