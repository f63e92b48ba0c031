import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mulberry32 } from '../../testing/index.ts';
import { p2pLimits } from './limits.ts';
import type { SignalMessage } from './rendezvous.ts';
import { SignalStream, type StreamPart } from './signal-stream.ts';

const message = (n: number): SignalMessage => ({ type: 'candidate', text: String(n) });
const numbers = (messages: readonly SignalMessage[]): number[] =>
  messages.map((m) => (m.type === 'candidate' ? Number(m.text) : Number.NaN));

/** Both ends over signaling that loses and doubles, and delays anything by up to a second. */
function exchange(seed: number, count: number, lossPercent: number, dupPercent: number): number[] {
  const random = mulberry32(seed);
  const [sender, receiver] = [new SignalStream(), new SignalStream()];
  const got: number[] = [];
  const air: { at: number; to: SignalStream; part: StreamPart }[] = [];
  const put = (now: number, to: SignalStream, part: StreamPart): void => {
    if (random() * 100 < lossPercent) return;
    air.push({ at: now + random() * 1000, to, part });
    if (random() * 100 < dupPercent) air.push({ at: now + random() * 1000, to, part });
  };
  for (let now = 0; now < 300_000 && (now < 100 || !sender.isAcknowledged); now += 50) {
    if (now < count * 50) sender.queue(message(now / 50));
    if (sender.retryAt <= now) put(now, receiver, sender.give(now, random() < 0.2));
    const due = air.filter(({ at }) => at <= now);
    for (const entry of due) {
      air.splice(air.indexOf(entry), 1);
      const fresh = numbers(entry.to.take(entry.part));
      if (entry.to === receiver) {
        got.push(...fresh);
        put(now, sender, receiver.give(now, false));
      }
    }
  }
  expect(sender.isAcknowledged).toBe(true);
  return got;
}

test('each message comes once and in order, whatever is lost, doubled or late', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 90 }),
      (seed, count, lossPercent, dupPercent) => {
        const got = exchange(seed, count, lossPercent, dupPercent);
        expect(got).toEqual(Array.from({ length: count }, (_, n) => n));
      },
    ),
  );
});

test('what was sent a moment ago is not sent again, unless the peer may know nothing yet', () => {
  const stream = new SignalStream();
  stream.queue(message(1));
  expect(stream.give(0, false)).toMatchObject({ first: 1, messages: [message(1)] });
  expect(stream.give(10, false)).toMatchObject({ first: 0, messages: [] });
  stream.queue(message(2));
  expect(stream.give(20, false)).toMatchObject({ first: 2, messages: [message(2)] });
  expect(stream.give(30, true)).toMatchObject({ first: 1, messages: [message(1), message(2)] });
  expect(stream.retryAt).toBe(530);
  stream.take({ acked: 2, first: 0, messages: [] });
  expect(stream.retryAt).toBe(Number.POSITIVE_INFINITY);
});

test('what the answer to a request does not acknowledge is due at once', () => {
  const stream = new SignalStream();
  for (const n of [1, 2]) stream.queue(message(n));
  stream.give(0, true);
  stream.take({ acked: 1, first: 0, messages: [] });
  stream.retryAll(40);
  expect(stream.retryAt).toBe(40);
  expect(stream.give(40, false)).toMatchObject({ first: 2, messages: [message(2)] });
});

test('a list that begins after a gap is left, and comes again', () => {
  const stream = new SignalStream();
  expect(stream.take({ acked: 0, first: 2, messages: [message(2)] })).toEqual([]);
  expect(stream.give(0, false).acked).toBe(0);
  const whole = { acked: 0, first: 1, messages: [message(1), message(2)] };
  expect(stream.take(whole)).toEqual([message(1), message(2)]);
  expect(stream.take(whole)).toEqual([]);
  expect(stream.give(0, false).acked).toBe(2);
});

test('a signal has a limit; the rest comes with the next ones, and a full queue refuses', () => {
  const stream = new SignalStream();
  const long: SignalMessage = { type: 'candidate', text: 'x'.repeat(500) };
  for (let i = 0; i < p2pLimits.waitingMessages; i++) expect(stream.queue(long)).toBe(true);
  expect(stream.queue(long)).toBe(false);
  const [one, two] = [stream.give(0, true), stream.give(0, false)];
  expect(one.messages.length).toBeGreaterThan(3);
  expect(one.messages.length).toBeLessThan(9);
  expect(two.first).toBe(one.messages.length + 1);
});
