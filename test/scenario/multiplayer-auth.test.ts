import { expect, test } from 'vitest';
import { EVERYONE, SERVER } from '../../packages/partyline/src/multiplayer/index.ts';
import { LoopbackHub } from '../../packages/partyline/src/peers/index.ts';
import { VirtualClock } from '../../packages/partyline/src/testing/index.ts';
import { code, rpcs, type Side, side } from './multiplayer-game.ts';

/** The auth step of docs/multiplayer.md; each name below stands in its table. */

const bytes = Uint8Array.of(1, 2);

/** Both sides answer with completeAuth when they hear the password. */
function authenticated(passwords: readonly string[], start = true) {
  const clock = new VirtualClock();
  const hub = new LoopbackHub({ scheduler: clock });
  const sides = passwords.map((password, i) => {
    const one = side();
    const { multiplayer } = one;
    multiplayer.authCallback = (id, message) => {
      if (new TextDecoder().decode(message) === 'right') multiplayer.completeAuth(id);
      else multiplayer.disconnectPeer(id, 'wrong password');
    };
    multiplayer.events.on('peerAuthenticating', ({ id }) => {
      if (password !== '') multiplayer.sendAuth(id, new TextEncoder().encode(password));
    });
    multiplayer.peer = i === 0 ? hub.host : hub.join();
    return one;
  });
  if (start) clock.advance(100);
  return { clock, hub, sides, at: (id: number): Side => sides[id - 1] ?? side() };
}

test('auth: pending until both sides completed, then connected on both; clients do not authenticate each other', () => {
  const { at } = authenticated(['right', 'right', 'right']);
  expect(at(1).log).toEqual(['?2', '?3', '+2', '+3']);
  expect(at(2).log).toEqual(['?1', 'connectedToServer', '+1', '+3']);
  expect(at(3).log).toEqual(['?1', 'connectedToServer', '+1', '+2']);
  expect(at(1).multiplayer.authenticatingPeers).toEqual([]);
});

test('auth: a peer that only one side accepts stays pending, hears and says nothing else', () => {
  const { clock, sides, at } = authenticated(['', 'right', 'right'], false);
  const objects = rpcs(sides);
  clock.advance(100);
  expect(at(1).multiplayer.authenticatingPeers).toEqual([2, 3]);
  expect(at(1).multiplayer.peers).toEqual([]);
  at(2).multiplayer.completeAuth(1);
  clock.advance(100);
  expect(at(1).multiplayer.peers).toEqual([2]);
  objects[0]?.rpc('any', 1);
  objects[1]?.rpc('any', 2);
  expect(() => objects[2]?.rpc('any', 3)).toThrow(code('PEER_NOT_CONNECTED'));
  at(3).multiplayer.peer?.send(SERVER, Uint8Array.of(1, 9));
  at(3).multiplayer.peer?.send(EVERYONE, Uint8Array.of(1, 9));
  clock.advance(100);
  expect(at(2).log).toEqual(['?1', 'connectedToServer', '+1', 'any from 1 1']);
  expect(at(3).log).toEqual(['?1']);
  expect(at(1).log).toEqual(['?2', '?3', '+2', 'any from 2 2']);
  expect(at(1).multiplayer.stats().unexpected).toBe(2);
});

test('auth: after 3 s without completion the peer is disconnected: peerAuthenticationFailed, never peerDisconnected', () => {
  const { clock, at } = authenticated(['right', '']);
  clock.advance(2800);
  expect(at(1).log).toEqual(['?2']);
  clock.advance(1500);
  expect(at(1).log).toEqual(['?2', '!2 authentication timed out']);
  expect(at(2).log).toEqual([
    '?1',
    '!1 authentication timed out',
    'connectionFailed authentication timed out',
  ]);
});

test('auth: a time-out of 0 means none', () => {
  const { clock, sides } = authenticated(['', ''], false);
  for (const { multiplayer } of sides) multiplayer.authTimeoutMs = 0;
  clock.advance(60_000);
  expect(sides.map(({ log }) => log)).toEqual([['?2'], ['?1']]);
});

test('auth: refusing ends it for both, with the reason', () => {
  const { clock, at } = authenticated(['right', 'wrong']);
  clock.advance(3000);
  expect(at(1).log).toEqual(['?2', '!2 wrong password']);
  expect(at(2).log).toEqual(['?1', '!1 wrong password', 'connectionFailed wrong password']);
});

test('auth: a peer that leaves while pending is peerAuthenticationFailed', () => {
  const { clock, at } = authenticated(['', '']);
  void at(2).multiplayer.peer?.close('bored');
  clock.advance(2000);
  expect(at(1).log).toEqual(['?2', '!2 bored']);
});

test('auth: sendAuth needs bytes and a pending peer, completeAuth a pending peer', () => {
  const { at } = authenticated(['', '']);
  const { multiplayer } = at(1);
  expect(() => multiplayer.sendAuth(2, new Uint8Array(0))).toThrow(code('RPC_ARGUMENTS'));
  expect(() => multiplayer.sendAuth(9, bytes)).toThrow(code('PEER_UNKNOWN'));
  expect(() => multiplayer.completeAuth(9)).toThrow(code('PEER_UNKNOWN'));
  multiplayer.completeAuth(2);
  multiplayer.completeAuth(2);
  expect(() => multiplayer.sendAuth(2, bytes)).toThrow(code('RPC_ARGUMENTS'));
});

test('auth: only one side wants it: it waits in vain and the time-out ends it', () => {
  const clock = new VirtualClock();
  const hub = new LoopbackHub({ scheduler: clock });
  const host = side({ authCallback: () => {} });
  host.multiplayer.peer = hub.host;
  const client = side();
  client.multiplayer.peer = hub.join();
  clock.advance(6000);
  expect(host.log).toEqual(['?2', '!2 authentication timed out']);
  expect(client.log).toEqual([
    'connectedToServer',
    '+1',
    '-1 authentication timed out',
    'serverDisconnected authentication timed out',
  ]);
});
