import { expect, test } from 'vitest';
import { PortSlices } from './port-slices.ts';
import { ShareLedger } from './share-ledger.ts';

const of = (name: string, allocations: number) => ({ kind: 'player', name, allocations }) as const;

test('each member is told what the others have of a name together, and at how many places', () => {
  const ledger = new ShareLedger();
  ledger.set(0, of('alice', 2), [0, 1, 2]);
  const told = ledger.set(1, of('alice', 3), [0, 1, 2]);
  expect([...told]).toEqual([
    [0, { kind: 'player', name: 'alice', allocations: 3, places: 1 }],
    [2, { kind: 'player', name: 'alice', allocations: 5, places: 2 }],
  ]);
});

test('names of players and of addresses are two things', () => {
  const ledger = new ShareLedger();
  ledger.set(0, of('1.2.3.4', 1), []);
  ledger.set(0, { kind: 'address', name: '1.2.3.4', allocations: 7 }, []);
  expect(ledger.seenFrom(1)).toEqual([
    { kind: 'player', name: '1.2.3.4', allocations: 1, places: 1 },
    { kind: 'address', name: '1.2.3.4', allocations: 7, places: 1 },
  ]);
});

test('the end of a member takes everything it had, and leaves nothing behind', () => {
  const ledger = new ShareLedger();
  ledger.set(0, of('alice', 2), []);
  ledger.set(1, of('alice', 1), []);
  for (const change of ledger.ofMember(0)) ledger.set(0, change, []);
  expect(ledger.seenFrom(2)).toEqual([of('alice', 1)].map((share) => ({ ...share, places: 1 })));
  for (const change of ledger.ofMember(1)) ledger.set(1, change, []);
  expect(ledger.seenFrom(2)).toEqual([]);
});

test('slices are disjoint, begin at an even distance, and one that was given back comes last', () => {
  const slices = new PortSlices({ min: 49_160, max: 49_559 }, 3);
  const taken = [slices.take(), slices.take(), slices.take()];
  expect(taken.map(({ min, max }) => max - min + 1)).toEqual([100, 100, 100]);
  expect(new Set(taken.map(({ min }) => min)).size).toBe(3);
  const [first] = taken;
  if (!first) throw new Error('nothing');
  slices.give(first);
  expect(slices.take()).toEqual({ min: 49_460, max: 49_559 });
  expect(slices.take()).toEqual(first);
  expect(() => slices.take()).toThrow();
});

test('a range with less than two ports for each is refused in words', () => {
  expect(() => new PortSlices({ min: 100, max: 104 }, 2)).toThrow('too short for 2 relays');
});
