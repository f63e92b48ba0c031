import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Sleeper, WakeQueue } from './wake-queue.ts';

const FOREVER = Number.POSITIVE_INFINITY;
type Step =
  | { readonly type: 'set'; readonly who: number; readonly inMs: number }
  | { readonly type: 'remove'; readonly who: number }
  | { readonly type: 'pass'; readonly ms: number };

const who = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('set' as const),
    who,
    inMs: fc.oneof(fc.nat(50), fc.constant(FOREVER)),
  }),
  fc.record({ type: fc.constant('remove' as const), who }),
  fc.record({ type: fc.constant('pass' as const), ms: fc.nat(20) }),
);

test('who is due is woken, once, and nobody else, whatever was put off, brought forward or taken out', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new WakeQueue<Sleeper>();
      const sleepers = Array.from({ length: 10 }, () => ({ wakeAt: 0, queueIndex: -1 }));
      const model = new Map<Sleeper, number>();
      let now = 0;
      for (const taken of steps) {
        const sleeper = taken.type === 'pass' ? undefined : sleepers[taken.who];
        if (taken.type === 'pass') now += taken.ms;
        else if (sleeper === undefined) continue;
        else if (taken.type === 'remove' || taken.inMs === FOREVER) {
          if (taken.type === 'remove') queue.remove(sleeper);
          else queue.set(sleeper, FOREVER);
          model.delete(sleeper);
        } else {
          queue.set(sleeper, now + taken.inMs);
          model.set(sleeper, now + taken.inMs);
        }
        expect(queue.nextAt).toBeLessThanOrEqual(Math.min(FOREVER, ...model.values()));
        const due = [...model].filter(([, at]) => at <= now).map(([s]) => s);
        const woken: Sleeper[] = [];
        for (let s = queue.shiftDue(now); s !== undefined; s = queue.shiftDue(now)) woken.push(s);
        expect(new Set(woken)).toEqual(new Set(due));
        expect(woken).toHaveLength(due.length);
        for (const s of due) model.delete(s);
        expect(queue.nextAt).toBe(model.size === 0 ? FOREVER : queue.nextAt);
        expect(queue.nextAt).toBeGreaterThan(now);
      }
    }),
  );
});
