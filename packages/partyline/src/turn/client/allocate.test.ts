import { describe, expect, test } from 'vitest';
import { TurnWorld } from '../../../test/turn-world.ts';
import { NetError } from '../../base/index.ts';
import type { TurnCarrierFactory } from './index.ts';

const never: TurnCarrierFactory = { open: () => new Promise(() => {}) };
const kinds = ['datagram', 'stream', 'message'] as const;

describe('allocateTurn: RFC 8656 §7', () => {
  test.each(kinds)('%s: two round trips, the challenge and the allocation', async (kind) => {
    const world = new TurnWorld();
    const allocation = await world.client({ kind }).allocate();
    expect(world.clock.now()).toBe(80);
    expect(allocation.relayed).toEqual([{ host: '8.8.4.4', port: expect.any(Number) }]);
    expect(allocation.mapped).toEqual({ host: '1.2.3.4', port: 40_000 });
    expect(world.relay.server.stats().allocations).toBe(1);
  });

  test.each([
    ['ipv4', ['8.8.4.4']],
    ['ipv6', ['2600::5']],
    ['both', ['8.8.4.4', '2600::5']],
  ] as const)('%s', async (families, hosts) => {
    const allocation = await new TurnWorld().client({}, { families }).allocate();
    expect(allocation.relayed.map(({ host }) => host)).toEqual(hosts);
  });

  test.each(kinds)('%s: close frees it at the server and leaves no timer', async (kind) => {
    const world = new TurnWorld();
    const client = world.client({ kind });
    const allocation = await client.allocate();
    const first = allocation.close();
    expect(allocation.close()).toBe(first);
    await world.settled(first);
    expect(world.relay.server.stats().allocations).toBe(0);
    expect(allocation.isOpen).toBe(false);
    expect(client.ended).toEqual([]);
    await world.clock.advanceAsync(5000);
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('close settles though the server is gone', async () => {
    const world = new TurnWorld();
    const client = world.client();
    const allocation = await client.allocate();
    world.relay.isDead = true;
    const before = world.clock.now();
    await world.settled(allocation.close());
    expect(world.clock.now() - before).toBeLessThanOrEqual(1510);
    expect(client.ended).toEqual([]);
  });

  test('437: once more over a new connection', async () => {
    const world = new TurnWorld();
    const { factory } = world.relay.carriers({ isOnePort: true, latencyMs: 20 });
    const elsewhere = world.relay.carriers({ latencyMs: 20 }).factory;
    await world.client({}, { carriers: factory }).allocate();
    let opened = 0;
    const carriers: TurnCarrierFactory = {
      open: (...how) => (opened++ === 0 ? factory : elsewhere).open(...how),
    };
    const allocation = await world.client({}, { carriers }).allocate();
    expect(opened).toBe(2);
    expect(allocation.mapped?.port).not.toBe(40_000);
  });
});

describe('it ends with a typed reason', () => {
  test.each(kinds)('%s: no answer', async (kind) => {
    const world = new TurnWorld();
    world.relay.isDead = true;
    expect(await world.client({ kind }).failure()).toBe('TURN_UNREACHABLE');
    expect(world.clock.now()).toBeGreaterThanOrEqual(39_500); // RFC 8489 §6.2.1, §6.2.2
    expect(world.clock.now()).toBeLessThan(39_600);
    await world.clock.advanceAsync(5000);
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('401 after the challenge: the password is wrong', async () => {
    const credential = { username: 'alice', password: 'guess' };
    expect(await new TurnWorld().client({}, { credential }).failure()).toBe('TURN_UNAUTHORIZED');
  });

  test('486: as many allocations as the user may have', async () => {
    const world = new TurnWorld({ limits: { allocationsPerPlayer: 1 } });
    await world.client().allocate();
    expect(await world.client().failure()).toBe('TURN_QUOTA');
  });

  test('508: no port is free', async () => {
    const world = new TurnWorld({ ports: { min: 5000, max: 5000 } });
    await world.client().allocate();
    expect(await world.client().failure()).toBe('TURN_CAPACITY');
  });

  test('440: the relay has no such family', async () => {
    const relays = [{ family: 1, bindHost: '10.0.0.5', host: '8.8.4.4' } as const];
    const world = new TurnWorld({ relays });
    expect(await world.client({}, { families: 'ipv6' }).failure()).toBe('TURN_FAMILY');
    const allocation = await world.client({}, { families: 'both' }).allocate();
    expect(allocation.relayed.map(({ host }) => host)).toEqual(['8.8.4.4']);
  });

  test('437: over and over', async () => {
    const world = new TurnWorld();
    const { factory } = world.relay.carriers({ isOnePort: true, latencyMs: 20 });
    await world.client({}, { carriers: factory }).allocate();
    expect(await world.client({}, { carriers: factory }).failure()).toBe('TURN_MISMATCH');
  });

  test('the connection cannot be had', async () => {
    const carriers = { open: () => Promise.reject(new Error('ECONNREFUSED')) };
    expect(await new TurnWorld().client({}, { carriers }).failure()).toBe('TURN_UNREACHABLE');
  });

  test('the connection does not come: timeoutMs', async () => {
    const world = new TurnWorld();
    const options = { carriers: never, timeoutMs: 3000 };
    expect(await world.client({}, options).failure()).toBe('TURN_UNREACHABLE');
    expect(world.clock.now()).toBe(3000);
  });

  test.each(kinds)('%s: the connection breaks while it waits', async (kind) => {
    const world = new TurnWorld();
    const client = world.client({ kind });
    world.clock.after(30, () => client.wires[0]?.cut('reset'));
    expect(await client.failure()).toBe('TURN_UNREACHABLE');
    expect(world.clock.now()).toBeLessThanOrEqual(40);
  });

  test.each(kinds)(
    '%s: aborted: the signal’s reason, and nothing stays at the server',
    async (kind) => {
      for (const ms of [0, 10, 30, 50, 70]) {
        const world = new TurnWorld();
        const stop = new AbortController();
        world.clock.after(ms, () => stop.abort(new NetError('SESSION_CLOSED', 'game over')));
        const client = world.client({ kind }, { signal: stop.signal });
        expect(await client.failure()).toBe('SESSION_CLOSED');
        expect(world.clock.now()).toBeLessThanOrEqual(ms + 10);
        await world.clock.advanceAsync(3000);
        expect(world.relay.server.stats().allocations).toBe(0);
        expect(await client.failure()).toBe('SESSION_CLOSED');
        expect(world.clock.pendingTimers).toBe(0);
      }
    },
  );

  test('a connection that comes too late is closed again, unused', async () => {
    const world = new TurnWorld();
    const late = world.relay.carriers();
    const carriers: TurnCarrierFactory = {
      open: async (...how) => {
        await new Promise<void>((resolve) => void world.clock.after(5000, resolve));
        return await late.factory.open(...how);
      },
    };
    expect(await world.client({}, { carriers, timeoutMs: 1000 }).failure()).toBe(
      'TURN_UNREACHABLE',
    );
    await world.clock.advanceAsync(10_000);
    expect(late.wires).toHaveLength(1);
    expect(late.wires[0]?.isClosed).toBe(true);
    expect(world.relay.server.stats().refused.size).toBe(0); // nothing was asked
    expect(world.clock.pendingTimers).toBe(0);
  });

  test('aborted while the server allocates: what it made is freed again', async () => {
    const world = new TurnWorld();
    const stop = new AbortController();
    world.clock.after(50, () => stop.abort());
    void world.client({}, { signal: stop.signal }).failure();
    await world.clock.advanceAsync(65);
    expect(world.relay.server.stats().allocations).toBe(1);
    await world.clock.advanceAsync(1000);
    expect(world.relay.server.stats().allocations).toBe(0);
  });

  test.each([
    { timeoutMs: 0 },
    { keepaliveMs: Number.NaN },
    { lifetimeSec: -1 },
    { server: { host: 'a', port: 70_000 } },
    { limits: { channels: 0 } },
    { timing: { maxRequests: 0 } },
  ])('OPTIONS_INVALID: %o', async (options) => {
    expect(await new TurnWorld().client({}, options).failure()).toBe('OPTIONS_INVALID');
  });
});
