import { expect, test } from 'vitest';
import { SignalDesk } from './signal-desk.ts';

const ends = { from: 'str:a', fromConnectionId: 1, to: 'str:b', toConnectionId: 2 };

test('once it is over, candidates that are found later cause no signals', () => {
  const desk = new SignalDesk(0, ends);
  desk.tell(0, { type: 'candidate', text: 'first' });
  desk.close(1000, { reason: 1000, debug: '' }, 'once');
  expect(desk.poll(1000)).toBeDefined();
  desk.tell(1500, { type: 'candidate', text: 'the NAT shows us elsewhere now' });
  expect(desk.nextAt).toBe(Number.POSITIVE_INFINITY);
  desk.closeAgain(2000); // the other side has not heard
  expect(desk.poll(2100)).toBeDefined();
  expect(desk.nextAt).toBe(Number.POSITIVE_INFINITY);
});
