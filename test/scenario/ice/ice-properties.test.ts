import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimWorld } from './sim-world.ts';
import { isDirect, nats } from './truth-table.ts';

const roles = fc.constantFrom(
  ...([
    ['controlling', 'controlled'],
    ['controlled', 'controlling'],
    ['controlling', 'controlling'],
    ['controlled', 'controlled'],
  ] as const),
);

const nat = fc.constantFrom(...nats);

/** Loss on the way, as heavy as games still play with. */
const conditions = fc.record({
  latencyMs: fc.integer({ min: 0, max: 150 }),
  jitterMs: fc.integer({ min: 0, max: 60 }),
  loss: fc.double({ min: 0, max: 0.25, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 0.3, noNaN: true }),
});

test('whatever the network does, both have one pair or both fail with a reason', () => {
  fc.assert(
    fc.property(
      fc.tuple(nat, nat),
      fc.boolean(),
      conditions,
      fc.constantFrom(0, 0.3, 0.7, 1),
      fc.integer({ min: 1, max: 400 }),
      roles,
      fc.integer({ min: 1, max: 1_000_000 }),
      (pair, hasRelay, network, candidateLoss, signalMs, role, seed) => {
        const world = new SimWorld({
          nats: pair,
          hasRelay,
          conditions: network,
          candidateLoss,
          signalMs,
          roles: role,
          seed,
        });
        world.settle();
        // Held-back and better pairs come later; once the network is quiet, both are to agree.
        world.internet.conditions = { latencyMs: network.latencyMs };
        world.run(20_000);
        const [a, b] = world.players.map(({ agent }) => agent);
        expect(a?.state).toBe(b?.state);
        if (a?.state === 'failed') {
          expect(a.failure).toBeDefined();
          expect(b?.failure).toBeDefined();
          return;
        }
        expect(a?.state).toBe('connected');
        expect(new Set([a?.role, b?.role]).size).toBe(2);
        const [x, y] = [a?.selectedPair, b?.selectedPair];
        expect(x?.isRelayed).toBe(y?.isRelayed);
        if (candidateLoss === 0 && isDirect(...pair)) expect(x?.isRelayed).toBe(false);
        expect([x?.remote.host, x?.remote.port]).toEqual([y?.local.host, y?.local.port]);
        expect([y?.remote.host, y?.remote.port]).toEqual([x?.local.host, x?.local.port]);
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
