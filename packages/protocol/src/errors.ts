import { z } from 'zod';

/** The `data.code` of a JSON-RPC error: a stable name that `NetError.code` of the SDK carries on. */
export const serverErrorCodes = [
  'REQUEST_MALFORMED',
  'REQUEST_UNKNOWN_METHOD',
  'REQUEST_INVALID',
  'REQUEST_TOO_LARGE',
  'RATE_LIMITED',
  'AUTH_REQUIRED',
  'AUTH_FAILED',
  'APP_UNKNOWN',
  'APP_FORBIDDEN',
  'SESSION_EXPIRED',
  'SERVER_ERROR',
  'SERVER_SHUTTING_DOWN',
  'LOBBY_UNAVAILABLE',
  'LOBBY_NOT_MEMBER',
  'LOBBY_NOT_OWNER',
  'LOBBY_ALREADY_MEMBER',
  'LOBBY_MEMBER_UNKNOWN',
  'LOBBY_LIMIT',
] as const;

export type ServerErrorCode = (typeof serverErrorCodes)[number];

/** JSON-RPC 2.0 §5.1; everything of ours is -32000 with `data.code`. */
export const jsonRpcErrorNumbers = {
  REQUEST_MALFORMED: -32600,
  REQUEST_UNKNOWN_METHOD: -32601,
  REQUEST_INVALID: -32602,
} as const satisfies Partial<Record<ServerErrorCode, number>>;

export const requestEnvelope = z.object({
  jsonrpc: z.literal('2.0'),
  /** Requests only; the server answers with the same id. */
  id: z.int().min(0),
  method: z.string().max(64),
  params: z.unknown(),
});

export const errorObject = z.object({
  code: z.int(),
  message: z.string(),
  data: z.object({ code: z.enum(serverErrorCodes), retryAfterMs: z.int().optional() }),
});
