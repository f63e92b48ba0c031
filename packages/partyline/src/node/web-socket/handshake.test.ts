import { describe, expect, it } from 'vitest';
import { judgeAnswer, newHandshake } from './handshake.ts';

const good = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: WebSocket',
  'connection: keep-alive, Upgrade',
  'Sec-WebSocket-Accept: right',
  'Sec-WebSocket-Protocol: a.v1',
];
const judge = (lines: readonly string[]) => judgeAnswer(lines.join('\r\n'), ['a.v1', 'b'], 'right');
/** The good answer with the line that begins so replaced, or left out. */
const but = (start: string, line?: string): string[] =>
  good.flatMap((kept) => (kept.startsWith(start) ? (line === undefined ? [] : [line]) : [kept]));

describe('newHandshake', () => {
  it('asks as RFC 6455 §4.1 says, and knows the answer to its key', () => {
    const { request, accept } = newHandshake(new URL('wss://play.example:8443/v1?x=1'), ['a', 'b']);
    const [line, ...headers] = request.split('\r\n');
    expect(line).toBe('GET /v1?x=1 HTTP/1.1');
    expect(headers).toEqual([
      'Host: play.example:8443',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      expect.stringMatching(/^Sec-WebSocket-Key: [A-Za-z0-9+/]{22}==$/),
      'Sec-WebSocket-Protocol: a,b',
      '',
      '',
    ]);
    expect(accept).toMatch(/^[A-Za-z0-9+/]{27}=$/);
  });

  it('cannot be given a second line by an address', () => {
    const { request } = newHandshake(new URL('ws://h/a\r\nX: y?b\r\nZ: z'), ['a']);
    expect(request).not.toMatch(/^[XZ]:/m);
  });
});

describe('judgeAnswer', () => {
  it('takes names and tokens in any case', () => {
    expect(judge(good)).toEqual({ protocol: 'a.v1' });
  });

  it.each([
    ['another status', but('HTTP', 'HTTP/1.1 429 Too Many Requests'), /response: 429/],
    ['another protocol', but('HTTP', 'SSH-2.0-x'), /HTTP/],
    ['no upgrade', but('Upgrade'), /upgrade/],
    ['an upgrade to something else', but('Upgrade', 'Upgrade: h2c'), /upgrade/],
    [
      'a connection that is kept alive only',
      but('connection', 'Connection: keep-alive'),
      /upgrade/,
    ],
    [
      'the answer to another key',
      but('Sec-WebSocket-Accept', 'Sec-WebSocket-Accept: x'),
      /another/,
    ],
    ['two answers to the key', [...good, 'Sec-WebSocket-Accept: right'], /another/],
    ['an extension', [...good, 'Sec-WebSocket-Extensions: permessage-deflate'], /extension/],
    ['no subprotocol', but('Sec-WebSocket-Protocol'), /subprotocol/],
    [
      'one that was not offered',
      but('Sec-WebSocket-Pro', 'Sec-WebSocket-Protocol: c'),
      /subprotocol/,
    ],
    ['a header that goes on in the next line', [...good, ' folded'], /header/],
  ])('refuses %s', (_what, lines, failure) => {
    expect(judge(lines)).toEqual({ failure: expect.stringMatching(failure) });
  });
});
