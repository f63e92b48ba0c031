import { jsonRpcErrorNumbers, type ServerErrorCode } from '@partyline/protocol';

/** JSON-RPC 2.0, as far as we speak it: one request a frame, numbers as ids. */
export interface RpcRequest {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

/** `id`: of what was meant to be a request, when it could be read. */
export type ParsedRequest =
  | { readonly ok: true; readonly request: RpcRequest }
  | { readonly ok: false; readonly id: number | null };

export function parseRequest(text: string): ParsedRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, id: null };
  }
  if (typeof value !== 'object' || value === null) return { ok: false, id: null };
  // Nothing is known of these fields yet; each is looked at below.
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) return { ok: false, id: null };
  if (jsonrpc !== '2.0' || typeof method !== 'string') return { ok: false, id };
  return { ok: true, request: { id, method, params } };
}

export function resultFrame(id: number, result: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

export function errorFrame(
  id: number | null,
  error: {
    readonly code: ServerErrorCode;
    readonly message: string;
    readonly retryAfterMs?: number | undefined;
  },
): string {
  const numbers: Partial<Record<ServerErrorCode, number>> = jsonRpcErrorNumbers;
  const { code, message, retryAfterMs } = error;
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: { code: numbers[code] ?? -32_000, message, data: { code, retryAfterMs } },
  });
}

export function notificationFrame(method: string, params: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params });
}
