import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError, type Scheduler } from '../base/index.ts';
import { mulberry32, VirtualClock } from '../testing/index.ts';
import { Introductions } from './introductions.ts';
import {
  decodeMeshSignal,
  encodeGreeting,
  encodeWireSignal,
  type Greeting,
} from './mesh-signals.ts';

interface Network {
  /** When each copy of a greeting arrives, in milliseconds. */
  delays: () => readonly number[];
  /** So late timers of every side fire, in milliseconds. */
  lateMs: number;
}

/** Who greets whom, and what came of it: the last tag that each side opened for the other. */
function setup(ids: readonly number[]) {
  const clock = new VirtualClock();
  const random = mulberry32(7);
  const network: Network = { delays: () => [10], lateMs: 0 };
  const scheduler: Scheduler = {
    now: () => clock.now(),
    wallClockMs: () => clock.wallClockMs(),
    soon: (callback) => clock.soon(callback),
    after: (delayMs, callback) => clock.after(delayMs + network.lateMs, callback),
  };
  const sides = new Map<number, Side>();
  let greetings = 0;
  const present = new Set(ids);

  interface Side {
    readonly introductions: Introductions;
    readonly links: Map<number, number>;
    readonly opened: string[];
    /** How many links to the other side were opened here. */
    count(other: number): number;
  }

  const start = (id: number): Side => {
    const links = new Map<number, number>();
    const opened: string[] = [];
    const introductions = new Introductions({
      scheduler,
      local: id,
      draw: () => Math.floor(random() * 0xffff_fffe) + 1,
      send: (to, greeting: Greeting) => {
        greetings++;
        const bytes = encodeGreeting(greeting);
        for (const delay of network.delays()) {
          clock.after(delay, () => {
            const signal = decodeMeshSignal(bytes);
            if (signal?.type !== 'greeting') throw new Error('it was one');
            sides.get(to)?.introductions.handle(id, signal.greeting);
          });
        }
      },
      isPresent: (member) => present.has(member),
      mayOpen: () => true,
      open: (member, tag) => {
        links.set(member, tag);
        opened.push(`${member} ${tag}`);
      },
      onRelayWanted: (member) => opened.push(`relay ${member}`),
    });
    const count = (other: number): number =>
      opened.filter((line) => line.startsWith(`${other} `)).length;
    const side = { introductions, links, opened, count };
    sides.set(id, side);
    for (const other of ids) if (other !== id) introductions.meet(other);
    return side;
  };
  const stop = (): void => {
    for (const { introductions } of sides.values()) introductions.stop();
  };
  return { clock, network, sides, present, start, stop, greetings: () => greetings };
}

test('one begins: three greetings, one link with one tag, and no more is said', async () => {
  const net = setup([1, 2]);
  const a = net.start(1);
  const b = net.start(2);
  b.introductions.stop();
  const second = net.start(2);
  await net.clock.advanceAsync(100_000);
  expect(a.links.get(2)).toBe(second.links.get(1));
  expect([a.count(2), second.count(1)]).toEqual([1, 1]);
  net.stop();
  expect(net.clock.pendingTimers).toBe(0);
});

test('both begin at once: four greetings and one link', async () => {
  const net = setup([1, 2]);
  const [a, b] = [net.start(1), net.start(2)];
  await net.clock.advanceAsync(100_000);
  expect([a.count(2), b.count(1), net.greetings()]).toEqual([1, 1, 4]);
  expect(a.links.get(2)).toBe(b.links.get(1));
});

test('nobody there: ever rarer, never more than once in 32 seconds', async () => {
  const net = setup([1, 2]);
  net.start(1);
  await net.clock.advanceAsync(3_600_000);
  expect(net.greetings()).toBeLessThan(125);
  expect(net.greetings()).toBeGreaterThan(100);
});

test('two hundred members: one is met at first and then four at once, whoever does not answer makes room after half a second', async () => {
  const ids = Array.from({ length: 201 }, (_, i) => i + 1);
  const net = setup(ids);
  const first = net.start(1);
  const greetings: number[] = [];
  for (let i = 0; i < 6; i++) {
    await net.clock.advanceAsync(i === 0 ? 400 : 500);
    greetings.push(net.greetings());
  }
  expect(greetings).toEqual([1, 3, 6, 10, 14, 18]);
  await net.clock.advanceAsync(30_000);
  expect(net.greetings()).toBeGreaterThan(200);
  first.introductions.stop();
});

test('a process that is late meets one now and then, and goes on when it is in time again', async () => {
  const ids = Array.from({ length: 201 }, (_, i) => i + 1);
  const net = setup(ids);
  net.network.lateMs = 100;
  const first = net.start(1);
  await net.clock.advanceAsync(10_000);
  expect(net.greetings()).toBeGreaterThan(5);
  expect(net.greetings()).toBeLessThan(20);
  net.network.lateMs = 10_000;
  await net.clock.advanceAsync(120_000);
  const before = net.greetings();
  net.network.lateMs = 0;
  await net.clock.advanceAsync(40_000);
  expect(net.greetings() - before).toBeGreaterThan(150);
  first.introductions.stop();
});

test('a link that was agreed makes room when it works, or after three seconds', async () => {
  const ids = Array.from({ length: 21 }, (_, i) => i + 1);
  const net = setup(ids);
  const others = ids.slice(1).map((id) => net.start(id));
  for (const { introductions } of others) introductions.stop();
  net.sides.clear();
  const first = net.start(1);
  for (const id of ids.slice(1)) net.start(id);
  await net.clock.advanceAsync(100);
  const before = first.links.size;
  first.introductions.settle([...first.links.keys()][0] ?? 0);
  await net.clock.advanceAsync(4000);
  expect(before).toBeGreaterThanOrEqual(4);
  expect(first.links.size).toBe(20);
  net.stop();
});

test('whatever is lost, doubled or late, however often links end and processes begin anew: in the end one link with one tag on both sides', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(),
        loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
        jitterMs: fc.integer({ min: 0, max: 60_000 }),
        steps: fc.array(
          fc.record({
            waitMs: fc.integer({ min: 0, max: 5000 }),
            side: fc.constantFrom(1, 2),
            what: fc.constantFrom('end', 'begin anew', 'nothing'),
          }),
          { maxLength: 12 },
        ),
      }),
      async ({ seed, loss, jitterMs, steps }) => {
        const net = setup([1, 2]);
        const random = mulberry32(seed);
        let isBad = true;
        const delay = (): number => 5 + (isBad ? random() * jitterMs : 0);
        net.network.delays = () => {
          if (!isBad) return [delay()];
          if (random() < loss) return [];
          return random() < 0.3 ? [delay(), delay()] : [delay()];
        };
        net.start(1);
        net.start(2);
        for (const { waitMs, side, what } of steps) {
          await net.clock.advanceAsync(waitMs);
          const { introductions, links } = net.sides.get(side) ?? net.start(side);
          const other = 3 - side;
          const tag = links.get(other);
          if (what === 'begin anew') {
            introductions.stop();
            net.start(side);
          } else if (what === 'end' && tag !== undefined) {
            links.delete(other);
            introductions.end(other, tag, false);
          }
        }
        isBad = false;
        await net.clock.advanceAsync(200_000);
        const [a, b] = [net.sides.get(1), net.sides.get(2)];
        expect(a?.links.get(2)).toBeDefined();
        expect(a?.links.get(2)).toBe(b?.links.get(1));
        net.stop();
      },
    ),
    { numRuns: 300, seed: 20_261_121 },
  );
});

test('ended for good: the same peer is not met again, its next one is', async () => {
  const net = setup([1, 2]);
  const a = net.start(1);
  const b = net.start(2);
  await net.clock.advanceAsync(1000);
  a.introductions.end(2, a.links.get(2) ?? 0, true);
  b.introductions.end(1, b.links.get(1) ?? 0, false); // it has not heard that this was meant
  await net.clock.advanceAsync(100_000);
  expect([a.count(2), b.count(1)]).toEqual([1, 1]);
  b.introductions.stop();
  const again = net.start(2);
  await net.clock.advanceAsync(1000);
  expect([a.count(2), again.count(1)]).toEqual([2, 1]);
});

test('mesh signals: what is encoded is decoded; hostile bytes give only DecodeError', () => {
  const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const greetings = fc.record({
    incarnation: u32,
    local: fc.integer({ min: 1, max: 0xffff_ffff }),
    remote: u32,
    isOpen: fc.boolean(),
    wantsRelay: fc.boolean(),
  });
  fc.assert(
    fc.property(greetings, (greeting) => {
      expect(decodeMeshSignal(encodeGreeting(greeting))).toEqual({ type: 'greeting', greeting });
    }),
  );
  fc.assert(
    fc.property(u32, fc.uint8Array({ maxLength: 100 }), (tag, payload) => {
      const signal = decodeMeshSignal(encodeWireSignal(tag, payload));
      expect(signal).toMatchObject({ type: 'wire', tag });
      expect(signal?.type === 'wire' && [...signal.payload]).toEqual([...payload]);
    }),
  );
  const first = fc.constantFrom(0x4d, 0x57, 0x4b, 0);
  fc.assert(
    fc.property(first, fc.uint8Array({ maxLength: 20 }), (kind, rest) => {
      try {
        decodeMeshSignal(Uint8Array.of(kind, ...rest));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});
