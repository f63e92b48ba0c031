import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReceivedMessage } from '../multiplayer/index.ts';
import { Inbox } from './inbox.ts';

const message = (
  mode: ReceivedMessage['mode'],
  length: number,
  from = 2,
  first = 0,
): ReceivedMessage => ({
  from,
  channel: 0,
  mode,
  bytes: Uint8Array.from({ length }, () => first),
});

test('unreliable messages nobody takes are bounded in number and in bytes, the oldest go', () => {
  const inbox = new Inbox({ reliableBytes: 1000, unreliableMessages: 3, unreliableBytes: 1000 });
  for (let i = 0; i < 5; i++) inbox.push(message('unreliable', 1, 2, i));
  expect(inbox.dropped).toBe(2);
  inbox.push(message('unreliable', 900, 2, 9));
  expect(inbox.dropped).toBe(5);
  expect(inbox.take()?.bytes[0]).toBe(9);
  expect(inbox.take()).toBeUndefined();
});

test('a game that never drains, or never the last message, costs no memory but its messages', () => {
  const idle = new Inbox({ reliableBytes: 1000, unreliableMessages: 10, unreliableBytes: 1e6 });
  const busy = new Inbox();
  busy.push(message('reliable', 1));
  for (let i = 0; i < 50_000; i++) {
    idle.push(message('unreliable', 1));
    busy.push(message('reliable', 1));
    busy.take();
  }
  expect(idle.places).toBeLessThan(2000);
  expect(busy.places).toBeLessThan(2000);
});

test('model: what is taken is what was pushed, in order, less what was dropped or removed', () => {
  const action = fc.oneof(
    fc.record({
      type: fc.constant('push' as const),
      mode: fc.constantFrom('reliable' as const, 'unreliable' as const),
      from: fc.integer({ min: 2, max: 4 }),
      length: fc.nat(40),
    }),
    fc.record({ type: fc.constant('take' as const) }),
    fc.record({ type: fc.constant('remove' as const), from: fc.integer({ min: 2, max: 4 }) }),
  );
  const limits = { reliableBytes: 500, unreliableMessages: 4, unreliableBytes: 300 };
  fc.assert(
    fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
      const inbox = new Inbox(limits);
      let model: ReceivedMessage[] = [];
      const unreliable = () => model.filter(({ mode }) => mode === 'unreliable');
      const bytes = (list: ReceivedMessage[]) => list.reduce((n, m) => n + m.bytes.length + 64, 0);
      for (const step of actions) {
        if (step.type === 'take') expect(inbox.take()).toBe(model.shift());
        else if (step.type === 'remove') {
          inbox.removeFrom(step.from);
          model = model.filter(({ from }) => from !== step.from);
        } else {
          const pushed = message(step.mode, step.length, step.from);
          inbox.push(pushed);
          model.push(pushed);
          while (unreliable().length > 4 || bytes(unreliable()) > 300) {
            const [oldest] = unreliable();
            model = model.filter((other) => other !== oldest);
          }
        }
        const reliable = bytes(model.filter(({ mode }) => mode === 'reliable'));
        expect([inbox.isFull, inbox.isDrained]).toEqual([reliable >= 500, reliable * 2 <= 500]);
      }
    }),
  );
});
