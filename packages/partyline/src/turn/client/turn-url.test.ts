import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTurnUrl } from './turn-url.ts';

test.each([
  ['turn:a.example', 'udp', 'a.example', 3478],
  ['turn:a.example:53', 'udp', 'a.example', 53],
  ['TURN:1.2.3.4:5?transport=UDP', 'udp', '1.2.3.4', 5],
  ['turn:a.example?transport=tcp', 'tcp', 'a.example', 3478],
  ['turns:a.example', 'tls', 'a.example', 5349],
  ['turns:[2600::1]:443?transport=tcp', 'tls', '2600::1', 443],
  ['wss://a.example', 'wss', 'a.example', 443],
  ['ws://localhost:7777/v1/turn', 'ws', 'localhost', 7777],
  ['wss://[2600::1]/', 'wss', '2600::1', 443],
])('%s', (url, transport, host, port) => {
  expect(parseTurnUrl(url)).toEqual({ transport, host, port });
});

test.each([
  'turns:a.example?transport=udp',
  'turn:a.example?transport=sctp',
  'turn:a.example:0',
  'turn:a.example:65536',
  'turn:user@a.example',
  'turn://a.example',
  'turn:',
  'stun:a.example',
  'https://a.example',
  'wss://a.example/other',
  `turn:${'a'.repeat(600)}`,
])('no such URL: %s', (url) => {
  expect(parseTurnUrl(url)).toBeUndefined();
});

test('any text: an endpoint or nothing', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((rest) => `turn:${rest}`),
      ),
      (url) => {
        const endpoint = parseTurnUrl(url);
        if (!endpoint) return;
        expect(endpoint.port).toBeGreaterThan(0);
        expect(endpoint.host).not.toBe('');
      },
    ),
  );
});
