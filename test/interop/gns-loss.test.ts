import { SendFlag } from 'partyline/protocol/snp';
import { describe, expect, test } from 'vitest';
import { type NativePeer, nativeBinary } from './gns-native.ts';
import { PatternTally, patterned } from './gns-pattern.ts';
import { type Seated, seats, sit, until } from './gns-seats.ts';

/**
 * Mixed messages each way. What only length shows (numbers that wrap, records that pile up, rings that
 * turn) is shown by 200,000 at one loss rate in both seats, 20 s each; the other rates differ in what
 * is lost, which 20,000 show in 3 s. `GNS_MESSAGES=200000` runs all eight at length, in 150 s.
 */
const LONG_RUN = { lossPercent: 5, messages: 200_000 } as const;

function messagesAt(lossPercent: number): number {
  const { GNS_MESSAGES, CI } = process.env;
  if (GNS_MESSAGES !== undefined) return Number(GNS_MESSAGES);
  if (CI === undefined) return 4000;
  return lossPercent === LONG_RUN.lossPercent ? LONG_RUN.messages : 20_000;
}

/** GNS has no congestion control: a rate that a busy machine cannot read would only be lost. */
const RATE = 5_000_000;
const LANES = 8;
/** A peer that the machine leaves no time for is not dead. */
const PATIENCE_MS = 60_000;

const fast = { sendRateMinBytesPerSecond: RATE, sendRateMaxBytesPerSecond: RATE };

async function prepare(native: NativePeer): Promise<void> {
  await native.config({
    SendRateMin: RATE,
    SendRateMax: RATE,
    TimeoutConnected: PATIENCE_MS,
    SendBufferSize: 4_000_000,
    RecvBufferSize: 8_000_000,
    RecvBufferMessages: 100_000,
  });
}

/** Sends as fast as the connection takes it; the counters run per lane and reliability. */
async function flood(pair: Seated, count: number): Promise<Map<number, number>> {
  const counters = new Map<string, number>();
  const reliable = new Map<number, number>();
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let i = 0; i < count; i++) {
    const lane = random(LANES);
    const isReliable = random(100) < 60;
    const key = `${lane}${isReliable}`;
    const counter = counters.get(key) ?? 0;
    const bytes = patterned(8 + random(random(20) === 0 ? 8000 : 300), counter, lane, isReliable);
    const flags = isReliable ? SendFlag.Reliable : SendFlag.Unreliable;
    if (pair.ours.state !== 'connected') throw new Error(`it ended: ${pair.ours.describe()}`);
    while (pair.ours.state === 'connected' && pair.ours.send(bytes, flags, lane) === 0) {
      await new Promise((r) => setTimeout(r, 1));
    }
    counters.set(key, counter + 1);
    if (isReliable) reliable.set(lane, counter + 1);
    if (i % 200 === 0) await new Promise((r) => setImmediate(r));
  }
  return reliable;
}

async function nativeTally(
  native: NativePeer,
): Promise<Record<string, { reliable: number; unreliable: number }> & { wrong: number }> {
  native.tell('tally');
  const tally = await native.next('tally');
  // The tally event's form is written in interop/gns-native/src/traffic.rs.
  return { ...(tally.lanes as object), wrong: Number(tally.wrong) } as never;
}

describe.skipIf(nativeBinary === undefined)('messages both ways on 8 lanes', () => {
  const cases = seats.flatMap((seat) => [0, 1, 5, 20].map((loss) => ({ seat, loss })));

  test.each(cases)(
    '$seat, $loss % loss with reorder and duplicates',
    async ({ seat, loss }) => {
      const messages = messagesAt(loss);
      const fake = {
        lossPercent: loss,
        reorderPercent: loss,
        duplicatePercent: loss,
        reorderMs: 5,
        duplicateMs: 5,
      };
      await using pair = await sit(seat, {
        sockets: {
          config: {
            ...fast,
            ...{ receiveBufferMessages: 100_000, receiveBufferBytes: 8_000_000 },
            ...{ fakeSend: fake, fakeReceive: fake, timeoutConnectedMs: PATIENCE_MS },
          },
        },
        prepare,
      });
      const { ours, native, conn } = pair;
      const priorities = Array.from({ length: LANES }, (_, i) => i % 2);
      const weights = Array.from({ length: LANES }, (_, i) => i + 1);
      ours.configureLanes(priorities.map((priority, i) => ({ priority, weight: weights[i] ?? 1 })));
      native.tell('lanes', { conn, priorities, weights });
      await native.receive('tally');
      const tally = new PatternTally();
      const drain = (): void => {
        for (let m = ours.receive(); m; m = ours.receive()) tally.count(m);
      };
      ours.events.on('readable', drain);
      drain();
      native.tell('flood', {
        conn,
        count: messages,
        min: 8,
        max: 600,
        reliablePercent: 60,
        lanes: LANES,
        seed: 77,
      });
      const sent = await flood(pair, messages);
      await native.next('floodSent', { conn }, 280_000);
      await until(
        () => ours.stats().sentUnackedReliableBytes + ours.stats().pendingReliableBytes === 0,
        200_000,
      );
      let theirs = await nativeTally(native);
      await until(() => tally.lanes.size === LANES, 20_000);
      for (let status = await nativeStatus(pair); status > 0; status = await nativeStatus(pair)) {
        await new Promise((r) => setTimeout(r, 50));
      }
      await new Promise((r) => setTimeout(r, 200));
      theirs = await nativeTally(native);
      expect(theirs.wrong).toBe(0);
      for (const [lane, count] of sent)
        expect([lane, theirs[lane]?.reliable]).toEqual([lane, count]);
      expect(tally.wrong).toBe(0);
      // The native flood draws 60 % of its messages reliable; the exact number is in the counters.
      expect(tally.reliable / messages).toBeCloseTo(0.6, 1);
      const unreliable = [...tally.lanes.values()].reduce((sum, l) => sum + l.unreliable, 0);
      // What a busy machine's socket buffer drops besides is nobody's promise.
      expect(unreliable / (messages * 0.4)).toBeGreaterThan(0.1);
      expect(unreliable).toBeLessThanOrEqual(messages * 0.45);
    },
    400_000,
  );
});

/** Bytes that the native side has not delivered yet. */
async function nativeStatus({ native, conn }: Seated): Promise<number> {
  native.tell('status', { conn });
  const status = await native.next('status', { conn });
  return Number(status.pendingReliable) + Number(status.unackedReliable);
}
