import { describe, expect, test } from 'vitest';
import { SimWorld, type WorldOptions } from './sim-world.ts';

/** What leaves from now on, in all: by type of STUN message, by relay, and of the game. */
function counted(world: SimWorld) {
  const counts = { requests: 0, answers: 0, relayed: 0, data: 0 };
  for (const { peer, sockets } of world.players) {
    peer.onSend = (socket, bytes) => {
      if (!sockets.includes(socket)) counts.relayed++;
      if (bytes[0] === 0x00) counts.requests++;
      else if (bytes[0] === 0x01) counts.answers++;
      else counts.data++;
    };
  }
  return counts;
}

function connected(options: Partial<WorldOptions> = {}): SimWorld {
  const world = new SimWorld({
    nats: ['none', 'none'],
    hasRelay: true,
    dialect: 'gns',
    ...options,
  });
  world.settle();
  world.run(2000);
  expect(world.players.map(({ agent }) => agent.state)).toEqual(['connected', 'connected']);
  return world;
}

/** A question and its answer, and then the last word, each ten seconds. */
function exchange(world: SimWorld, times: number): void {
  for (let i = 0; i < times; i++) {
    world.send(0, '?');
    world.run(30);
    world.send(1, '!');
    world.run(30);
    world.send(0, '.');
    world.run(10_000);
  }
}

describe('at rest', () => {
  test('a pair that is used needs no keepalive, and a last word no answer', () => {
    const world = connected();
    const counts = counted(world);
    const probes = 4; // of the STUN server, by either side
    exchange(world, 3);
    expect(counts).toMatchObject({ data: 9, relayed: 0 });
    expect(counts.requests).toBeLessThanOrEqual(probes);
  });

  test('RFC 7675: in the standard dialect consent is asked for all the same', () => {
    const world = connected({ dialect: 'standard' });
    const counts = counted(world);
    exchange(world, 3);
    expect(counts.requests).toBeGreaterThan(2 * 5);
  });

  test('a spare is kept open by one side, twice a minute', () => {
    const world = connected({ hasTwoAddresses: true });
    const single = connected();
    const [counts, fewer] = [counted(world), counted(single)];
    exchange(world, 12);
    exchange(single, 12);
    const checks = counts.answers - fewer.answers;
    // Three spares of four pairs; each check makes the other side ask whether the pair in use still works.
    expect(checks).toBeGreaterThanOrEqual(3 * 4);
    expect(checks).toBeLessThanOrEqual(2 * 3 * 5);
  });

  test('no relayed pair is asked anything while a direct one works', () => {
    for (const dialect of ['standard', 'gns'] as const) {
      const world = new SimWorld({ nats: ['none', 'none'], hasRelay: true, dialect });
      const counts = counted(world);
      world.settle();
      world.run(60_000);
      expect([dialect, counts.relayed]).toEqual([dialect, 0]);
    }
  });

  test('a relayed pair takes over within two seconds all the same', () => {
    const world = connected({ hasTwoAddresses: true });
    world.run(600_000);
    for (const socket of world.players[0].sockets) world.players[0].peer.closeSocket(socket);
    world.run(2000);
    world.send(0, 'still there?');
    world.run(200);
    expect(world.players[1].received).toContain('still there?');
  });
});

test('two datagrams without an answer, and the pair is asked within 0.4 s', () => {
  const world = connected();
  world.internet.conditions = { loss: 1 };
  const counts = counted(world);
  world.send(0, 'last word');
  world.run(5000);
  expect(counts.requests).toBe(0);
  world.send(0, 'is anybody there?');
  world.run(410);
  expect(counts.requests).toBe(1);
});

describe('a process that is late itself', () => {
  test('asks nothing again whose answer it may not have read yet', () => {
    const world = connected({ hasRelay: false });
    const [{ peer }] = world.players;
    const counts = counted(world);
    for (const text of ['a', 'b']) world.send(0, text);
    peer.isBusy = true;
    world.run(30);
    world.send(1, 'c');
    world.run(600);
    peer.wakeUp();
    world.run(200);
    expect(counts).toMatchObject({ requests: 0, data: 3 });
  });

  test('finds a dead pair nevertheless, a little later', () => {
    const world = connected({ hasRelay: false });
    const [{ peer, agent }] = world.players;
    world.internet.conditions = { loss: 1 };
    for (let i = 0; i < 40; i++) {
      peer.isBusy = true;
      world.send(0, 'hello');
      world.run(150);
      peer.wakeUp();
    }
    expect(agent.state).toBe('disconnected');
  });
});
