import type { Connection } from 'partyline/node';
import { mulberry32 } from 'partyline/testing';
import { expect, test } from 'vitest';
import { CounterTraffic } from './counter-traffic.ts';

interface Sent {
  readonly bytes: Uint8Array;
  readonly isReliable: boolean;
}

/** A connection that keeps what is sent; nothing ever comes. */
function sink(pendingReliableBytes = 0): { connection: Connection; sent: Sent[] } {
  const sent: Sent[] = [];
  const fake = {
    state: 'connected',
    stats: () => ({ pendingReliableBytes, pendingUnreliableBytes: 0 }),
    receive: () => undefined,
    send: (bytes: Uint8Array, flags: number) => sent.push({ bytes, isReliable: flags === 8 }),
  };
  // What the traffic uses of a connection, and nothing else.
  return { connection: fake as unknown as Connection, sent };
}

test('each tick brings at most four messages of 8 to 10240 bytes, numbered by kind', () => {
  const { connection, sent } = sink();
  const traffic = new CounterTraffic(connection, mulberry32(1));
  for (let tick = 0; tick < 500; tick++) {
    const before = sent.length;
    traffic.tick();
    expect(sent.length - before).toBeLessThanOrEqual(4);
  }
  const sizes = sent.map(({ bytes }) => bytes.length);
  expect([Math.min(...sizes) >= 8, Math.max(...sizes) <= 10_240]).toEqual([true, true]);
  expect(sizes.filter((size) => size < 1000).length).toBeGreaterThan(sizes.length / 2);
  const receiver = new CounterTraffic(connection);
  for (const { bytes, isReliable } of sent) receiver.take(bytes, isReliable);
  expect(receiver).toMatchObject({ received: traffic.sent, failure: undefined, unreliableGaps: 0 });
});

test('nothing is added while 32 KiB wait', () => {
  const { connection, sent } = sink(32 * 1024);
  const traffic = new CounterTraffic(connection, mulberry32(1));
  for (let tick = 0; tick < 20; tick++) traffic.tick();
  expect(sent).toEqual([]);
});

test('a reliable message out of turn is a failure, an unreliable one is counted', () => {
  const traffic = new CounterTraffic(sink().connection);
  const numbered = (counter: number): Uint8Array => Uint8Array.of(counter, 0, 0, 0, 9);
  traffic.take(numbered(2), false);
  expect(traffic).toMatchObject({ failure: undefined, unreliableGaps: 1 });
  traffic.take(numbered(0), true);
  traffic.take(numbered(2), true);
  expect(traffic.failure).toBe('reliable message 2 in place of 1');
  const short = new CounterTraffic(sink().connection);
  short.take(Uint8Array.of(1), true);
  expect(short.failure).toBe('a message of 1 bytes');
});
