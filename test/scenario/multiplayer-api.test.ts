import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVERYONE, rpc, SERVER } from '../../packages/partyline/src/multiplayer/index.ts';
import { LoopbackHub } from '../../packages/partyline/src/peers/index.ts';
import { VirtualClock } from '../../packages/partyline/src/testing/index.ts';
import { code, game, rpcs, side } from './multiplayer-game.ts';

/** The rules of docs/multiplayer.md, row by row; each name below stands in its table. */

const bytes = Uint8Array.of(1, 2);

test('signals: connectedToServer immediately before peerConnected(1), then the others', () => {
  const { at } = game(2, {}, false);
  const { clock, sides } = game(2, {}, false);
  clock.advance(50);
  expect(sides[1]?.log.slice(0, 2)).toEqual(['connectedToServer', '+1']);
  expect(sides[2]?.log).toEqual(['connectedToServer', '+1', '+2']);
  expect(sides[0]?.log).toEqual(['+2', '+3']);
  expect(at(1).log).toEqual([]);
});

test('signals: connectionFailed once when the peer ends while connecting, and nothing else', () => {
  const { clock, host, at, hub } = game(1, {}, false);
  hub.host.refuseNewConnections = true;
  clock.advance(1000);
  expect(at(2).log).toEqual(['connectionFailed the host refuses new connections']);
  expect(host.log).toEqual([]);
});

test('signals: serverDisconnected once, after peerDisconnected of all', () => {
  const { clock, hub, at } = game(2);
  void hub.host.close('server stops');
  clock.advance(5000);
  expect(at(2).log).toEqual([
    '-3 server stops',
    '-1 server stops',
    'serverDisconnected server stops',
  ]);
  expect(at(2).multiplayer.peers).toEqual([]);
});

test('signals: letting go of the peer gives none', () => {
  const { clock, at, hub } = game(1);
  at(2).multiplayer.peer = undefined;
  void hub.host.close('x');
  clock.advance(5000);
  expect(at(2).log).toEqual([]);
  expect(at(2).multiplayer.id).toBe(0);
});

test('peer: must be connecting or connected when it is set', async () => {
  const { clock, hub } = game(0);
  const peer = hub.join();
  const closed = peer.close();
  await clock.advanceAsync(5000);
  await closed;
  const { multiplayer } = side();
  expect(() => {
    multiplayer.peer = peer;
  }).toThrow(code('OPTIONS_INVALID'));
});

test('peer: set when it is connected already, its peers are announced', () => {
  const { clock, hub } = game(0);
  const peer = hub.join();
  clock.advance(50);
  const late = side({ peer });
  expect(late.log).toEqual([]); // listeners came after the constructor
  expect(late.multiplayer.peers).toEqual([1]);
  const later = side();
  later.multiplayer.peer = peer;
  expect(later.log).toEqual(['connectedToServer', '+1']);
});

test('peer: a listener that lets go of it while its peers are announced hears of no other', () => {
  const { host, hub } = game(3);
  const late = side();
  late.multiplayer.events.on('peerConnected', () => {
    late.multiplayer.peer = undefined;
  });
  host.multiplayer.peer = undefined;
  late.multiplayer.peer = hub.host;
  expect(late.log).toEqual(['+2']);
  expect(late.multiplayer.peers).toEqual([]);
});

test('id, isServer, peers, refuseNewConnections', () => {
  const { host, at, hub } = game(2);
  expect([host.multiplayer.id, at(3).multiplayer.id]).toEqual([1, 3]);
  expect([host.multiplayer.isServer, at(3).multiplayer.isServer]).toEqual([true, false]);
  expect(at(2).multiplayer.peers).toEqual([1, 3]);
  host.multiplayer.refuseNewConnections = true;
  expect(hub.host.refuseNewConnections).toBe(true);
  expect(host.multiplayer.refuseNewConnections).toBe(true);
});

test('disconnectPeer: no peerDisconnected for the caller, but for everybody else', () => {
  const { clock, host, at } = game(2);
  host.multiplayer.disconnectPeer(2, 'out');
  clock.advance(3000);
  expect(host.log).toEqual([]);
  expect(host.multiplayer.peers).toEqual([3]);
  expect(at(2).log.at(-1)).toBe('serverDisconnected out');
  expect(at(3).log).toEqual(['-2 out']);
  expect(() => host.multiplayer.disconnectPeer(2)).toThrow(code('PEER_UNKNOWN'));
});

test('disconnectPeer of another client is the host’s affair: an error, and it stays connected', () => {
  const { clock, at } = game(2);
  expect(() => at(2).multiplayer.disconnectPeer(3)).toThrow(code('PEER_UNKNOWN'));
  expect(at(2).multiplayer.peers).toEqual([1, 3]);
  at(3).multiplayer.sendBytes(Uint8Array.of(7), { to: 2 });
  clock.advance(100);
  expect(at(2).log).toEqual(['packet 3 7 0 reliable']);
});

test('signals: a listener of connectedToServer that lets go of the peer hears no peerConnected', () => {
  const clock = new VirtualClock();
  const hub = new LoopbackHub({ scheduler: clock });
  const { multiplayer, log } = side({ peer: hub.join() });
  multiplayer.events.on('connectedToServer', () => {
    multiplayer.peer = undefined;
  });
  clock.advance(100);
  expect(log).toEqual(['connectedToServer']);
  expect(multiplayer.peers).toEqual([]);
});

test('sendBytes: peerPacket with sender, channel and mode; to all by default', () => {
  const { clock, host, at } = game(2);
  host.multiplayer.sendBytes(bytes);
  at(2).multiplayer.sendBytes(bytes, { to: 3, channel: 4, mode: 'unreliable' });
  clock.advance(50);
  expect(at(2).log).toEqual(['packet 1 1,2 0 reliable']);
  expect(at(3).log.sort()).toEqual(['packet 1 1,2 0 reliable', 'packet 2 1,2 4 unreliable']);
  expect(() => host.multiplayer.sendBytes(bytes, { to: 9 })).toThrow(code('PEER_UNKNOWN'));
});

test('rpc targets: all, one, all but one; the sender is in the context', () => {
  const { clock, sides, at } = game(2);
  const objects = rpcs(sides);
  objects[1]?.rpc('any', 1);
  objects[1]?.rpcId(3, 'any', 2);
  objects[1]?.rpcId(-3, 'any', 3);
  objects[0]?.rpcId(-2, 'any', 4);
  objects[0]?.rpcId(EVERYONE, 'any', 5);
  clock.advance(50);
  expect(at(1).log).toEqual(['any from 2 1', 'any from 2 3']);
  expect(at(2).log).toEqual(['any from 1 5']);
  expect(at(3).log.sort()).toEqual([
    'any from 1 4',
    'any from 1 5',
    'any from 2 1',
    'any from 2 2',
  ]);
});

test('rpc mode authority: only the authority may; it can be set per object', () => {
  const { clock, sides, at } = game(2);
  const objects = rpcs(sides);
  objects[0]?.rpc('auth', 1);
  expect(() => objects[1]?.rpc('auth', 2)).toThrow(code('RPC_FORBIDDEN'));
  clock.advance(50);
  for (const object of objects) object.authority = 2;
  objects[1]?.rpc('auth', 3);
  expect(() => objects[0]?.rpc('auth', 4)).toThrow(code('RPC_FORBIDDEN'));
  clock.advance(50);
  expect(at(1).log).toEqual(['auth from 2 3']);
  expect(at(3).log.sort()).toEqual(['auth from 1 1', 'auth from 2 3']);
});

test('rpc receive check: a call that its mode does not allow is dropped, and the connection lives', () => {
  const { clock, sides, host, at } = game(2);
  const objects = rpcs(sides);
  const [, second] = objects;
  if (second) second.authority = 2; // its own view only
  second?.rpc('auth', 1);
  second?.rpc('any', 2);
  clock.advance(50);
  expect(host.log).toEqual(['any from 2 2']);
  expect(host.multiplayer.stats().refusedRpcs).toBe(1);
  expect(at(3).multiplayer.stats().refusedRpcs).toBe(1);
  expect(host.multiplayer.peers).toEqual([2, 3]);
});

test('rpc mode disabled: nobody may', () => {
  const { sides } = game(1);
  expect(() => rpcs(sides)[0]?.rpc('off')).toThrow(code('RPC_FORBIDDEN'));
});

test('rpc transferMode and channel are used', () => {
  const { clock, hub, sides } = game(1);
  const [object] = rpcs(sides);
  const sent: unknown[] = [];
  const { send } = hub.host;
  hub.host.send = (to, message, options) => {
    sent.push(options);
    send.call(hub.host, to, message, options);
  };
  object?.rpc('fast', 1);
  object?.rpc('any', 1);
  clock.advance(50);
  expect(sent).toEqual([
    { channel: 7, mode: 'unreliable' },
    { channel: 0, mode: 'reliable' },
  ]);
});

test('call_local: after the send, with the own id; also for oneself, not when left out', () => {
  const { clock, sides, host, at, hub } = game(1);
  const objects = rpcs(sides);
  const { send } = hub.host;
  hub.host.send = (...args) => {
    host.log.push('sent');
    send.apply(hub.host, args);
  };
  objects[0]?.rpc('local', 1);
  expect(host.log).toEqual(['sent', 'local from 1 1']);
  objects[0]?.rpcId(SERVER, 'local', 2);
  objects[0]?.rpcId(-1, 'local', 3);
  objects[0]?.rpcId(-2, 'local', 4);
  objects[0]?.rpcId(2, 'local', 5);
  clock.advance(50);
  expect(host.log.filter((line) => line !== 'sent')).toEqual([
    'local from 1 1',
    'local from 1 2',
    'local from 1 4',
  ]);
  expect(at(2).log).toEqual(['local from 1 1', 'local from 1 3', 'local from 1 5']);
  expect(() => objects[0]?.rpcId(SERVER, 'any', 1)).toThrow(code('RPC_FORBIDDEN'));
});

test('rpc errors: no peer, not connected, unknown peer, unknown rpc, too many arguments', () => {
  const lonely = side();
  const object = lonely.multiplayer.object('game', {
    any: rpc({ mode: 'anyPeer' }, (_c, ..._n: number[]) => {}),
  });
  expect(() => object.rpc('any')).toThrow(code('PEER_UNSET'));
  const { at, sides, clock, hub } = game(1, {}, false);
  const [, client] = rpcs(sides);
  expect(() => client?.rpc('any')).toThrow(code('PEER_NOT_CONNECTED'));
  clock.advance(50);
  expect(() => client?.rpcId(99, 'any')).toThrow(code('PEER_UNKNOWN'));
  // @ts-expect-error also refused when it runs
  expect(() => client?.rpc('nonsense')).toThrow(code('RPC_UNKNOWN'));
  expect(() => client?.rpc('any', ...Array<number>(256).fill(0))).toThrow(code('RPC_ARGUMENTS'));
  client?.rpc('any', ...Array<number>(255).fill(0));
  void hub.host.close();
  clock.advance(3000);
  expect(() => client?.rpc('any')).toThrow(code('PEER_NOT_CONNECTED'));
  expect(at(2).log.at(-1)).toBe('serverDisconnected closed');
});

test('rpc objects: any number by path, each path once, gone after remove', () => {
  const { clock, sides, host, at } = game(1);
  const [first, second] = sides.map(({ multiplayer, log }) =>
    Array.from({ length: 300 }, (_, i) =>
      multiplayer.object(`ship/${i}`, {
        hit: rpc({ mode: 'anyPeer' }, () => void log.push(`hit ${i}`)),
      }),
    ),
  );
  expect(() => host.multiplayer.object('ship/7', {})).toThrow(code('OPTIONS_INVALID'));
  first?.[7]?.rpc('hit');
  second?.[299]?.rpc('hit');
  clock.advance(50);
  expect([at(1).log, at(2).log]).toEqual([['hit 299'], ['hit 7']]);
  second?.[7]?.remove();
  first?.[7]?.rpc('hit');
  expect(() => second?.[7]?.rpc('hit')).toThrow(code('RPC_UNKNOWN'));
  clock.advance(50);
  expect(at(2).log).toEqual(['hit 7']);
  expect(at(2).multiplayer.stats().unknownRpcs).toBe(1);
  at(2).multiplayer.object('ship/7', {});
});

test('version skew that nobody checked: an object defined otherwise is not called by mistake', () => {
  const { clock, host, at } = game(1);
  const old = host.multiplayer.object('game', { a: rpc({}, () => {}), c: rpc({}, () => {}) });
  at(2).multiplayer.object('game', {
    a: rpc({}, () => void at(2).log.push('a')),
    b: rpc({}, () => void at(2).log.push('b')),
    c: rpc({}, () => void at(2).log.push('c')),
  });
  old.rpc('c');
  clock.advance(50);
  expect(at(2).log).toEqual([]);
  expect(at(2).multiplayer.stats().unknownRpcs).toBe(1);
});

test('validate: what it throws at is dropped, the connection lives', () => {
  const { clock, sides, at } = game(1);
  const [object] = rpcs(sides);
  object?.rpc('checked', 1, 2);
  object?.rpc('checked', 1.5);
  object?.rpc('checked', 3);
  clock.advance(50);
  expect(at(2).log).toEqual(['checked from 1 1,2', 'checked from 1 3']);
  expect(at(2).multiplayer.stats().refusedRpcs).toBe(1);
});

test('a handler that throws breaks nothing', () => {
  const { clock, sides, at } = game(1);
  const objects = sides.map(({ multiplayer }) =>
    multiplayer.object('bad', {
      throws: rpc({}, () => {
        throw new Error('mine');
      }),
    }),
  );
  objects[0]?.rpc('throws');
  objects[0]?.rpc('throws');
  clock.advance(50);
  expect(at(2).log).toEqual(['error Error: mine', 'error Error: mine']);
});

test('polling manual: handlers run in poll() only', () => {
  const { clock, sides, at } = game(1, { polling: 'manual' });
  const [object] = rpcs(sides);
  object?.rpc('any', 1);
  clock.advance(50);
  expect(at(2).log).toEqual([]);
  at(2).multiplayer.poll();
  expect(at(2).log).toEqual(['any from 1 1']);
});

test('hostile messages are counted and dropped, whatever they are', () => {
  const { clock, hub, sides, host, at } = game(1);
  rpcs(sides);
  const { peer } = at(2).multiplayer;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
      peer?.send(SERVER, message);
      clock.advance(1);
    }),
    { numRuns: 500 },
  );
  const { malformed, unexpected, unknownRpcs } = host.multiplayer.stats();
  expect(malformed + unexpected + unknownRpcs).toBeGreaterThan(400);
  expect(hub.host.peers).toEqual([2]);
});
