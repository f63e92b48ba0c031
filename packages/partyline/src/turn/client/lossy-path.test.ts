import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TurnWorld } from '../../../test/turn-world.ts';
import { isNetError, utf8 } from '../../base/index.ts';
import type { TurnAllocation } from './index.ts';

/** UDP between both clients and the relay, as bad as it may be. */
const path = fc.record({
  seed: fc.integer(),
  latencyMs: fc.integer({ min: 0, max: 200 }),
  jitterMs: fc.integer({ min: 0, max: 400 }),
  loss: fc.double({ min: 0, max: 0.6, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
});

async function allocated(promise: Promise<TurnAllocation>): Promise<TurnAllocation | string> {
  try {
    return await promise;
  } catch (error) {
    return isNetError(error) ? error.code : String(error);
  }
}

test('any loss, reordering and doubling: relayed both ways, or a typed failure', async () => {
  const seen = { relayed: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(path, path, async (pathA, pathB) => {
      const world = new TurnWorld();
      const [a, b] = [world.client(pathA), world.client(pathB)];
      const atA = await allocated(a.allocate());
      const atB = await allocated(b.allocate());
      if (typeof atA === 'string' || typeof atB === 'string') {
        for (const end of [atA, atB])
          if (typeof end === 'string') expect(end).toBe('TURN_UNREACHABLE');
        seen.failed++;
        return;
      }
      const [toA] = atA.relayed;
      const [toB] = atB.relayed;
      if (!toA || !toB) throw new Error('no address');
      for (let i = 0; i < 90 && atA.isOpen && atB.isOpen; i++) {
        atA.send(toB.host, toB.port, utf8(`a ${i}`));
        atB.send(toA.host, toA.port, utf8(`b ${i}`));
        await world.clock.advanceAsync(1000);
      }
      const isRelayed = a.received.length > 0 && b.received.length > 0;
      const ends = [...a.ended, ...b.ended].map(({ code }) => code);
      if (!isRelayed) expect(ends[0]).toMatch(/^TURN_/);
      else seen.relayed++;
      // Nobody hears what was not said to it.
      expect(a.received.every(({ text }) => text.startsWith('b '))).toBe(true);
      expect(b.received.every(({ text }) => text.startsWith('a '))).toBe(true);
      await world.settled(Promise.all([atA.close(), atB.close()]));
      await world.clock.advanceAsync(10_000);
    }),
    { numRuns: 25 },
  );
  expect(seen.relayed).toBeGreaterThan(10);
}, 30_000);
