import { describe, expect, test } from 'vitest';
import { UsageError } from '../options.ts';
import { readP2pCommand } from './command.ts';

const client = ['--role', 'client', '--identity', 'a', '--remote', 'str:b'];
const trivial = ['--signaling', 'tcp://127.0.0.1:10000'];

describe('the command line of p2p', () => {
  test('a client of a trivial signaling', () => {
    expect(readP2pCommand([...client, ...trivial])).toMatchObject({
      role: 'client',
      identity: 'str:a',
      remote: 'str:b',
      signaling: { type: 'trivial', address: { host: '127.0.0.1', port: 10_000 } },
      icePolicy: 'all',
      iceServers: [],
      profile: undefined,
      job: { role: 'connect', echo: false },
    });
  });

  test('a server in a lobby needs no names', () => {
    const args = ['--role', 'server', '--signaling', 'wss://h.example/p/?app=g&code=ABC'];
    expect(readP2pCommand(args)).toMatchObject({
      identity: undefined,
      signaling: { type: 'lobby', server: 'wss://h.example/p/', app: 'g', code: 'ABC' },
      job: { role: 'listen' },
    });
  });

  test('STUN and TURN servers, by address or by URL', () => {
    const turn = ['--turn', 'r.example:3478', '--turn', 'turns:r.example:443?transport=tcp'];
    const login = ['--turn-user', 'u', '--turn-password', 'p', '--stun', '192.0.2.1:3478'];
    expect(readP2pCommand([...client, ...trivial, ...turn, ...login]).iceServers).toEqual([
      { urls: 'stun:192.0.2.1:3478' },
      { urls: 'turn:r.example:3478', username: 'u', credential: 'p' },
      { urls: 'turns:r.example:443?transport=tcp', username: 'u', credential: 'p' },
    ]);
  });

  test('the profile of test_p2p', () => {
    const args = [...client, ...trivial, '--profile', 'test_p2p', '--ticks', '7', '--repeat', '2'];
    expect(readP2pCommand(args).profile).toEqual({ ticks: 7, repeat: 2 });
  });

  test.each([
    [[...trivial, '--role', 'client', '--identity', 'a'], /--remote/],
    [[...trivial, '--role', 'server'], /--identity/],
    [[...client], /--signaling/],
    [[...client, '--signaling', 'udp://127.0.0.1:1'], /--signaling/],
    [[...client, '--signaling', 'wss://h.example/'], /app/],
    [[...client, ...trivial, '--role', 'guest'], /--role takes client, server, symmetric/],
    [[...client, ...trivial, '--ice', 'none'], /--ice takes all, relay, host/],
    [[...client, ...trivial, '--virtual-port', '65536'], /--virtual-port/],
    [[...client, ...trivial, '--profile', 'other'], /--profile knows test_p2p/],
    [[...client, ...trivial, 'what'], /«what»/],
  ])('%j says what to change', (args, message) => {
    expect(() => readP2pCommand(args)).toThrow(UsageError);
    expect(() => readP2pCommand(args)).toThrow(message);
  });
});
