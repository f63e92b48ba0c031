import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connected, counted, numbered, openPair, unreliable } from '../../test/link-rig.ts';

test('while the game says something, one way or the other, both sides ping once a second', () => {
  const { clock, a, wires } = connected({ latencyMs: 10 });
  clock.advance(60_500);
  a.link.send(unreliable, numbered(0));
  clock.advance(500);
  const packets = counted(wires);
  clock.advance(4000);
  expect(packets()).toBe(4 * 4);
});

test('at rest a question and its answer go by in ten seconds, and keep both sides informed', () => {
  const { clock, a, b, wires } = connected({ latencyMs: 10 });
  clock.advance(20_500);
  const packets = counted(wires);
  clock.advance(100_000);
  expect(packets()).toBe(10 * 2);
  expect([a.ended, b.ended]).toEqual([[], []]);
});

test('a link at rest that is spoken on is pinged with the same packet, and again every second', () => {
  const { clock, a, wires } = connected({ latencyMs: 10 });
  clock.advance(33_300);
  const packets = counted([wires[0]]);
  a.link.send(unreliable, numbered(0));
  clock.advance(20);
  expect(packets()).toBe(1);
  clock.advance(1000);
  expect(packets()).toBeGreaterThanOrEqual(2);
});

test('at rest nobody is taken for gone who was not asked: eight seconds of lost packets are survived at any time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20_000 }),
      fc.integer({ min: 0, max: 8000 }),
      (at, forMs) => {
        const { clock, a, b, wires } = connected({ latencyMs: 10 });
        clock.advance(15_000 + at);
        for (const wire of wires) wire.setConditions({ loss: 1 });
        clock.advance(forMs);
        for (const wire of wires) wire.setConditions({ loss: 0 });
        clock.advance(30_000);
        expect([a.ended, b.ended]).toEqual([[], []]);
      },
    ),
    { numRuns: 100 },
  );
});

test('who vanishes from a link at rest is missed by both sides within 25 s, and within 11 s of being spoken to', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), fc.boolean(), (at, isSpokenTo) => {
      const { clock, a, b, wires } = connected({ latencyMs: 10 });
      clock.advance(15_000 + at);
      for (const wire of wires) wire.setConditions({ loss: 1 });
      if (isSpokenTo) a.link.send(unreliable, numbered(0));
      clock.advance(isSpokenTo ? 11_000 : 25_000);
      expect(a.ended).toEqual(['no answer for 10 s']);
      if (!isSpokenTo) expect(b.ended).toEqual(['no answer for 10 s']);
    }),
    { numRuns: 100 },
  );
});

test('a link at rest whose wire is replaced is asked at once by the new one', () => {
  const { clock, a, b, wires } = connected({ latencyMs: 10 });
  clock.advance(33_300);
  wires[0].cut('unplugged');
  clock.advance(8000);
  const fresh = openPair(clock, [a, b], { latencyMs: 10 }, 2);
  const packets = counted(fresh);
  a.link.attach(fresh[0]);
  b.link.attach(fresh[1]);
  clock.advance(100);
  expect(packets()).toBe(4);
  clock.advance(60_000);
  expect([a.ended, b.ended]).toEqual([[], []]);
});
