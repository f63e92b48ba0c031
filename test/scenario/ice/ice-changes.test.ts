import type { IceEvent } from 'partyline/protocol/ice';
import { describe, expect, test } from 'vitest';
import { SimWorld, type WorldOptions } from './sim-world.ts';

function connected(options: Partial<WorldOptions> = {}): SimWorld {
  const world = new SimWorld({
    nats: ['restricted-cone', 'restricted-cone'],
    hasRelay: true,
    ...options,
  });
  world.settle();
  world.run(2000);
  expect(world.players.map(({ agent }) => agent.state)).toEqual(['connected', 'connected']);
  return world;
}

/** Plays for so long, 50 datagrams a second each way; the longest silence at each end. */
function play(world: SimWorld, ms: number): number[] {
  const silences = [0, 0];
  const lastAt = [world.clock.now(), world.clock.now()];
  const counts = world.players.map(({ received }) => received.length);
  for (let t = 0; t < ms; t += 20) {
    world.send(0, `a${t}`);
    world.send(1, `b${t}`);
    world.run(20);
    for (const [i, { received }] of world.players.entries()) {
      const now = world.clock.now();
      if (received.length > (counts[i] ?? 0)) lastAt[i] = now;
      counts[i] = received.length;
      silences[i] = Math.max(silences[i] ?? 0, now - (lastAt[i] ?? 0));
    }
  }
  return silences;
}

const pairsOf = (events: readonly IceEvent[]): number =>
  events.filter(({ type }) => type === 'selectedPairChanged').length;

describe.each(['standard', 'gns'] as const)('%s', (dialect) => {
  test.each([0, 1] as const)(
    'the NAT of player %i forgets its ports: a second of silence at most',
    (who) => {
      const world = connected({ dialect });
      expect(Math.max(...play(world, 1000))).toBeLessThan(200);
      world.players[who].lan?.rebind();
      expect(Math.max(...play(world, 5000))).toBeLessThan(1300);
      expect(Math.max(...play(world, 2000))).toBeLessThan(200);
    },
  );

  test.each([0, 1] as const)('the NAT of player %i gets another address', (who) => {
    const world = connected({ dialect, nats: ['port-restricted', 'port-restricted'] });
    play(world, 1000);
    world.players[who].lan?.rebind(`198.51.100.${50 + who}`);
    expect(Math.max(...play(world, 8000))).toBeLessThan(2500);
    expect(Math.max(...play(world, 2000))).toBeLessThan(200);
  });

  test.each([0, 1] as const)('the socket of player %i is gone, and there is another one', (who) => {
    const world = connected({ dialect });
    play(world, 1000);
    const { peer, machine, sockets } = world.players[who];
    const [old = 0] = sockets;
    peer.openSockets(machine);
    peer.closeSocket(old);
    expect(Math.max(...play(world, 5000))).toBeLessThan(1300);
    expect(Math.max(...play(world, 2000))).toBeLessThan(200);
  });

  test('only the relay is left', () => {
    const world = connected({ dialect });
    play(world, 1000);
    const [old = 0] = world.players[0].sockets;
    world.players[0].peer.closeSocket(old);
    play(world, 5000);
    expect(Math.max(...play(world, 2000))).toBeLessThan(200);
    expect(world.players[0].agent.selectedPair?.isRelayed).toBe(true);
  });

  test('nobody plays for a minute: the NATs keep the way open', () => {
    const world = connected({ dialect });
    world.run(60_000);
    expect(world.players.map(({ agent }) => agent.state)).toEqual(['connected', 'connected']);
    expect(world.players.map(({ events }) => pairsOf(events))).toEqual([1, 1]);
    expect(Math.max(...play(world, 1000))).toBeLessThan(200);
  });
});

test('a direct pair replaces a relayed one as soon as a candidate makes it possible', () => {
  const world = connected({ nats: ['none', 'none'], candidateLoss: 0 });
  expect(world.players[0].agent.selectedPair?.isRelayed).toBe(false);
  const [old = 0] = world.players[0].sockets;
  world.players[0].peer.closeSocket(old);
  play(world, 3000);
  expect(world.players[0].agent.selectedPair?.isRelayed).toBe(true);
  world.players[0].peer.openSockets(world.players[0].machine);
  expect(Math.max(...play(world, 3000))).toBeLessThan(200);
  expect(world.players[0].agent.selectedPair?.isRelayed).toBe(false);
});

test('RFC 7675: 30 s without an answer, and the agent has failed', () => {
  const world = connected({ hasRelay: false });
  world.internet.conditions = { loss: 1 };
  world.run(20_000);
  expect(world.players.map(({ agent }) => agent.state)).toEqual(['disconnected', 'disconnected']);
  world.run(16_000);
  for (const { agent } of world.players) {
    expect([agent.state, agent.failure]).toEqual(['failed', 'consentLost']);
    expect(agent.pollTimeout()).toBeUndefined();
  }
});

test('GNS has no consent: whatever time has passed, the way may come back', () => {
  const world = connected({ hasRelay: false, dialect: 'gns' });
  const { conditions } = world.internet;
  world.internet.conditions = { loss: 1 };
  play(world, 40_000);
  world.internet.conditions = conditions;
  play(world, 5000);
  expect(Math.max(...play(world, 1000))).toBeLessThan(200);
});

test('RFC 8445 §9, restart: data flows on the old pair until the new one is there', () => {
  const world = connected();
  const [a, b] = world.players;
  const before = a.agent.credentials;
  a.agent.restart(a.peer.now);
  a.peer.touch(a.agent);
  expect(a.agent.credentials.ufrag).not.toBe(before.ufrag);
  expect(Math.max(...play(world, 500))).toBeLessThan(200);
  // The other side learns of it and restarts too; both tell their credentials anew.
  b.agent.restart(b.peer.now);
  b.agent.setRemoteCredentials(b.peer.now, a.agent.credentials);
  a.agent.setRemoteCredentials(a.peer.now, b.agent.credentials);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const event of from.events.filter(({ type }) => type === 'localCandidate')) {
      if (event.type === 'localCandidate') to.agent.addRemoteCandidate(to.peer.now, event.text);
    }
    to.peer.touch(to.agent);
  }
  a.peer.touch(a.agent);
  expect(Math.max(...play(world, 3000))).toBeLessThan(200);
  expect(pairsOf(a.events)).toBeGreaterThan(1);
  expect(pairsOf(b.events)).toBeGreaterThan(1);
  world.run(40_000);
  expect(world.players.map(({ agent }) => agent.state)).toEqual(['connected', 'connected']);
});

test.each([
  [9000, 1472],
  [1420, 1412],
  [1250, 1200],
])('RFC 8899: the path carries %i bytes, of which %i are found', (carried, found) => {
  const world = new SimWorld({ nats: ['restricted-cone', 'none'], hasRelay: false });
  world.internet.mtuBytes = carried;
  world.settle();
  world.run(5000);
  for (const { agent } of world.players) expect(agent.selectedPair?.mtuBytes).toBe(found);
});

test('a NAT that reboots a hundred times: limits of candidates do not stop the game', () => {
  const world = connected({ nats: ['full-cone', 'none'] });
  const [a, b] = world.players;
  for (let round = 0; round < 100; round++) {
    a.lan?.rebind();
    play(world, 3000);
  }
  expect(Math.max(...play(world, 1000))).toBeLessThan(200);
  expect(b.agent.state).toBe('connected');
});

test('a relay is asked whether the allocation still stands while a selected pair does not answer', () => {
  const world = connected();
  play(world, 1000);
  expect(world.players.map(({ peer }) => peer.doubts)).toEqual([0, 0]);
  world.internet.conditions = { loss: 1 };
  play(world, 1000);
  const doubts = world.players.map(({ peer }) => peer.doubts);
  expect(Math.min(...doubts)).toBeGreaterThan(0);
  play(world, 8000); // for as long as it does not, again and again
  for (const [i, { peer }] of world.players.entries()) {
    expect(peer.doubts).toBeGreaterThan(doubts[i] ?? 0);
    expect(peer.doubts).toBeLessThan(10);
  }
});

test('who closes says and hears nothing more', () => {
  const world = connected();
  const [a, b] = world.players;
  a.agent.close(a.peer.now);
  a.peer.touch(a.agent);
  expect(a.agent.state).toBe('closed');
  expect(world.send(0, 'x')).toBe(false);
  const heard = b.received.length;
  world.run(5000);
  expect(b.received.length).toBe(heard);
});

test.each(['controlling', 'controlled'] as const)(
  'RFC 8445 §7.3.1.1: both are %s at first',
  (role) => {
    for (let seed = 1; seed <= 8; seed++) {
      const world = connected({ roles: [role, role], seed });
      const roles = world.players.map(({ agent }) => agent.role);
      expect(roles.toSorted()).toEqual(['controlled', 'controlling']);
    }
  },
);
