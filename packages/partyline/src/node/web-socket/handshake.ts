import { hash } from 'node:crypto';
import { randomBytes } from '../random.ts';

/** RFC 6455 §1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY_BYTES = 16;
/** Of the answer's status line and headers together; Node's own limit. */
export const MAX_ANSWER_BYTES: number = 16 * 1024;

export interface Handshake {
  /** What the client says first. */
  readonly request: string;
  /** How the server shows that it speaks WebSocket and read this very request. */
  readonly accept: string;
}

/** RFC 6455 §4.1, for an address with the scheme `ws` or `wss`. */
export function newHandshake(url: URL, protocols: readonly string[]): Handshake {
  const key = Buffer.from(randomBytes(KEY_BYTES)).toString('base64');
  // URL has percent-encoded whatever could end a line; protocols are ours or base64url.
  const request =
    `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n` +
    `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n` +
    `Sec-WebSocket-Protocol: ${protocols.join(',')}\r\n\r\n`;
  return { request, accept: hash('sha1', key + ACCEPT_SUFFIX, 'base64') };
}

/** The subprotocol that the server chose, or why this is no WebSocket: RFC 6455 §4.1, what a client must check. */
export type Verdict = { readonly protocol: string } | { readonly failure: string };

/** `head`: status line and headers, without the empty line behind them. */
export function judgeAnswer(head: string, protocols: readonly string[], accept: string): Verdict {
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) return { failure: 'the server does not speak HTTP/1.1' };
  if (status !== '101') return { failure: `unexpected server response: ${status}` };
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return { failure: 'a header has no name' };
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  const isUpgraded =
    headers.get('upgrade')?.toLowerCase() === 'websocket' &&
    (headers.get('connection') ?? '')
      .toLowerCase()
      .split(/[ \t]*,[ \t]*/)
      .includes('upgrade');
  if (!isUpgraded) return { failure: 'the server did not upgrade the connection' };
  if (headers.get('sec-websocket-accept') !== accept) {
    return { failure: 'the server answered another handshake' };
  }
  if (headers.has('sec-websocket-extensions')) return { failure: 'an extension nobody offered' };
  const protocol = headers.get('sec-websocket-protocol') ?? '';
  if (!protocols.includes(protocol)) return { failure: 'the server chose no offered subprotocol' };
  return { protocol };
}
