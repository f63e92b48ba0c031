import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CountedInbox, countedMessage, isWhole } from './counted.ts';

const COUNT = 50;
const SIZE = 40;

function inboxOf(numbers: readonly number[], lane = 0, isReliable = true): CountedInbox {
  const inbox = new CountedInbox(COUNT, SIZE);
  for (const number of numbers) inbox.take(countedMessage(number, SIZE), lane, isReliable);
  return inbox;
}

const all = Array.from({ length: COUNT }, (_, number) => number);

test('all messages once and in order are whole; one missing, doubled or late is not', () => {
  expect(isWhole(inboxOf(all).tally)).toBe(true);
  expect(inboxOf(all.slice(1)).tally).toMatchObject({ missing: 1 });
  expect(inboxOf([...all, 7]).tally).toMatchObject({ missing: 0, duplicates: 1 });
  expect(inboxOf([1, 0, ...all.slice(2)]).tally).toMatchObject({ missing: 0, misordered: 1 });
  for (const numbers of [all.slice(1), [...all, 7], [1, 0, ...all.slice(2)]]) {
    expect(isWhole(inboxOf(numbers).tally)).toBe(false);
  }
});

test('order is asked of reliable messages alone, on each lane for itself', () => {
  expect(isWhole(inboxOf([...all].reverse(), 0, false).tally)).toBe(true);
  const inbox = new CountedInbox(4, SIZE);
  for (const number of [1, 3, 0, 2]) inbox.take(countedMessage(number, SIZE), number % 2, true);
  expect(isWhole(inbox.tally)).toBe(true);
});

test('a message with any byte changed, cut or added is damaged and does not count', () => {
  const number = fc.nat(COUNT - 1);
  fc.assert(
    fc.property(number, fc.nat(SIZE - 1), fc.integer({ min: 1, max: 255 }), (n, at, flip) => {
      const bytes = countedMessage(n, SIZE);
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      const inbox = new CountedInbox(COUNT, SIZE);
      inbox.take(bytes, 0, true);
      expect(inbox.tally).toMatchObject({ received: 0, damaged: 1 });
    }),
  );
  const inbox = new CountedInbox(COUNT, SIZE);
  inbox.take(countedMessage(0, SIZE - 1), 0, true);
  inbox.take(countedMessage(0, SIZE + 1), 0, true);
  expect(inbox.tally).toMatchObject({ received: 0, damaged: 2 });
});
