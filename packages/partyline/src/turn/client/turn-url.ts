/** How a TURN server is reached. `ws` and `wss` are ours: docs/wire/turn.md. */
export type TurnTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** A TURN server as a URL names it. */
export interface TurnEndpoint {
  readonly transport: TurnTransport;
  /** An address or a name, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** RFC 7065 §3.1, and our WebSockets. What follows a WebSocket's host is the server's one path. */
const TURN_URL =
  /^(?<scheme>turns?):(?<host>\[[0-9a-f:.]+\]|[^:?/#[\]@\s]+)(?::(?<port>\d{1,5}))?(?:\?transport=(?<transport>udp|tcp))?$/i;
const SOCKET_URL =
  /^(?<scheme>wss?):\/\/(?<host>\[[0-9a-f:.]+\]|[^:?/#[\]@\s]+)(?::(?<port>\d{1,5}))?(?:\/v1\/turn|\/)?$/i;
/** Longest URL that is looked at, in characters. */
const MAX_URL_LENGTH = 512;

const defaultPorts: Readonly<Record<TurnTransport, number>> = {
  udp: 3478,
  tcp: 3478,
  tls: 5349,
  ws: 80,
  wss: 443,
};

/**
 * `turn:HOST[:PORT][?transport=udp|tcp]`, `turns:…` or `ws[s]://HOST[:PORT]`. `undefined` for anything
 * else, and for TURN over DTLS (`turns:…?transport=udp`), which nobody here speaks.
 */
export function parseTurnUrl(url: string): TurnEndpoint | undefined {
  if (url.length > MAX_URL_LENGTH) return undefined;
  const { scheme, host, port, transport } =
    (TURN_URL.exec(url) ?? SOCKET_URL.exec(url))?.groups ?? {};
  if (scheme === undefined || host === undefined) return undefined;
  const chosen = transportOf(scheme.toLowerCase(), transport?.toLowerCase());
  if (!chosen) return undefined;
  const number = port === undefined ? defaultPorts[chosen] : Number(port);
  if (number < 1 || number > 0xffff) return undefined;
  return { transport: chosen, host: host.replace(/^\[|\]$/g, ''), port: number };
}

function transportOf(scheme: string, transport: string | undefined): TurnTransport | undefined {
  if (scheme === 'turn') return transport === 'tcp' ? 'tcp' : 'udp';
  if (scheme === 'turns') return transport === 'udp' ? undefined : 'tls';
  return scheme === 'wss' ? 'wss' : 'ws';
}
