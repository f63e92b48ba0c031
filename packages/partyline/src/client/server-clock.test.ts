import { expect, test } from 'vitest';
import { ServerClock } from './server-clock.ts';

test('the sample with the shortest round trip decides, half of it being the way back', () => {
  const clock = new ServerClock();
  clock.handleAnswer(0, 100, 5050);
  expect(clock.at(100)).toBe(5100);
  clock.handleAnswer(1000, 1010, 6000); // ten times better: 5 ms ago it was 6000 there
  expect(clock.at(1010)).toBe(6005);
  clock.handleAnswer(2000, 2400, 7399); // slow and lopsided
  expect(clock.at(2400)).toBe(7395);
});

test('an old best sample gives way in the end: clocks drift', () => {
  const clock = new ServerClock();
  clock.handleAnswer(0, 0, 0);
  for (let at = 1000; at < 100_000; at += 1000) clock.handleAnswer(at, at + 20, at + 510);
  expect(clock.at(200_000)).toBe(200_500);
});

test('the ping is smoothed', () => {
  const clock = new ServerClock();
  expect(clock.pingMs).toBeUndefined();
  clock.handleAnswer(0, 16, 0);
  clock.handleAnswer(0, 32, 0);
  expect(clock.pingMs).toBe(18);
});
