import { expect, test } from 'vitest';
import { Lateness } from './lateness.ts';

test('who is in time has no patience', () => {
  const lateness = new Lateness();
  lateness.note(1000, 995);
  lateness.note(1000, 1200);
  lateness.note(1000, Number.POSITIVE_INFINITY);
  expect(lateness.patienceMs(1000)).toBe(0);
});

test('twice as patient as it was late; half as much a second later, and none in the end', () => {
  const lateness = new Lateness();
  lateness.note(1000, 800);
  expect(lateness.patienceMs(1000)).toBe(400);
  expect(lateness.patienceMs(2000)).toBe(200);
  lateness.note(2000, 1950);
  expect(lateness.patienceMs(2000)).toBe(200);
  expect(lateness.patienceMs(10_000)).toBe(0);
});

test('a process that stood still for an hour waits four seconds, not two hours', () => {
  const lateness = new Lateness();
  lateness.note(3_600_000, 0);
  expect(lateness.patienceMs(3_600_000)).toBe(4000);
});
