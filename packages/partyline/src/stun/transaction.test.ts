import { expect, test } from 'vitest';
import type { Core } from '../base/index.ts';
import { SimNetwork } from '../testing/index.ts';
import { decodeStun, encodeStun, StunClass, type StunMessage } from './message.ts';
import { StunTransaction } from './transaction.ts';

const request: StunMessage = {
  class: StunClass.Request,
  method: 1,
  transactionId: Uint8Array.from({ length: 12 }, (_, i) => i),
  attributes: [],
};

test('an answer finishes it and gives the round trip', () => {
  const net = new SimNetwork(new StunTransaction(0, 'b', request), server(), { latencyMs: 40 });
  net.run();
  expect(net.eventsA).toMatchObject([{ type: 'response', rttMs: 80 }]);
});

test('RFC 8489 §6.2.1: requests at 0, 500, 1500, 3500, 7500, 15500, 31500 ms, failure at 39500', () => {
  const client = new StunTransaction(0, 'b', request);
  const sentAt: number[] = [];
  for (let now: number | undefined = 0; now !== undefined; now = client.pollTimeout()) {
    client.handleTimeout(now);
    while (client.pollTransmit()) sentAt.push(now);
    if (client.state === 'failed') expect(now).toBe(39_500);
  }
  expect(sentAt).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
  expect(client.pollEvent()).toEqual({ type: 'timeout' });
});

test.each([1, 2, 3, 4, 5])('half the datagrams lost, seed %i: it still ends, once', (seed) => {
  const net = new SimNetwork(
    new StunTransaction(0, 'b', request),
    server(),
    { latencyMs: 100, jitterMs: 50, loss: 0.5 },
    seed,
  );
  net.run();
  expect(net.eventsA).toHaveLength(1);
});

/** The smallest possible server: answers every request, keeps no state. */
function server(): Core<string, never> {
  const replies: { to: string; bytes: Uint8Array }[] = [];
  return {
    handleDatagram: (_now, from, bytes) => {
      const message = decodeStun(bytes);
      replies.push({ to: from, bytes: encodeStun({ ...message, class: StunClass.Success }) });
    },
    handleTimeout: () => {},
    pollTransmit: () => replies.shift(),
    pollEvent: () => undefined,
    pollTimeout: () => undefined,
  };
}
