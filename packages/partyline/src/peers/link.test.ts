import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  connected,
  End,
  join,
  numbered,
  openPair,
  ordered,
  reliable,
  unreliable,
} from '../../test/link-rig.ts';
import type { Scheduler } from '../base/index.ts';
import { SimWire, VirtualClock } from '../testing/index.ts';
import { type LinkState, linkTransitions } from './link.ts';
import type { MessageHeader } from './link-frames.ts';
import type { Wire } from './wire.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('SimWire is a Wire', () => {
  const [wire] = SimWire.pair(new VirtualClock());
  const asWire: Wire = wire;
  expect(asWire.kind).toBe('simulated');
});

test('the small messages of one turn leave in one packet', () => {
  const { clock, a, b, wires } = connected();
  clock.advance(100);
  let packets = 0;
  const { send } = wires[0];
  wires[0].send = (packet, lane) => {
    packets++;
    return send.call(wires[0], packet, lane);
  };
  for (let i = 0; i < 14; i++) a.link.send(unreliable, new Uint8Array(64));
  expect(packets).toBe(0);
  clock.advance(0);
  expect(packets).toBe(1);
  expect(b.received).toHaveLength(14);
});

test('channel, mode, peer and the system flag arrive as sent, whatever their values', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('unreliable', 'unreliableOrdered', 'reliable'),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.boolean(),
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ minLength: 970, maxLength: 3000 }),
      ),
      (mode, channel, peer, system, bytes) => {
        const { clock, a, b } = connected();
        a.link.send({ mode: mode as MessageHeader['mode'], channel, peer, system }, bytes);
        clock.advance(50);
        expect(b.received).toEqual([{ mode, channel, peer, system, bytes }]);
        expect(b.link.stats().malformed).toBe(0);
      },
    ),
  );
});

test('512 KiB arrive whole, in both modes', () => {
  const { clock, a, b } = connected({ bufferBytes: 2 ** 20 });
  const big = Uint8Array.from({ length: 512 * 1024 }, (_, i) => i * 31);
  a.link.send(reliable, big);
  a.link.send(unreliable, big);
  clock.advance(50);
  expect(b.received.map((message) => message.mode)).toEqual(['unreliable', 'reliable']);
  for (const { bytes } of b.received) expect(Buffer.compare(bytes, big)).toBe(0);
  expect(() => a.link.send(reliable, new Uint8Array(512 * 1024 + 1))).toThrow(/at most 524288/);
});

test('a channel outside 0 to 255 is the caller’s mistake', () => {
  const { a } = connected();
  for (const channel of [-1, 256, 1.5, Number.NaN]) {
    expect(() => a.link.send({ ...reliable, channel }, new Uint8Array(1))).toThrow('channel is 0');
  }
});

test('unreliable fragments: a lost one loses the message and nothing grows', () => {
  const { clock, a, b } = connected({ loss: 0.3 });
  for (let i = 0; i < 200; i++) {
    a.link.send(unreliable, numbered(i, 5000));
    clock.advance(10);
  }
  expect(b.received.length).toBeGreaterThan(5);
  expect(b.received.length).toBeLessThan(120);
  for (const { bytes } of b.received) expect(bytes).toHaveLength(5000);
});

test('a doubled unreliable packet is one message', () => {
  const { clock, a, b, wires } = connected({ duplicate: 1, jitterMs: 5 });
  for (let i = 0; i < 50; i++) {
    a.link.send(unreliable, numbered(i));
    clock.advance(20);
  }
  expect(wires[0].duplicated).toBeGreaterThan(40);
  expect(b.numbers('unreliable').sort((x, y) => x - y)).toEqual(upTo(50));
});

test('unreliable messages do not wait behind reliable ones that a full wire holds back', () => {
  const { clock, a, b, wires } = connected({ bytesPerSecond: 50_000, bufferBytes: 4000 });
  a.link.send(reliable, new Uint8Array(200_000));
  clock.advance(1000);
  const before = clock.now();
  wires[0].setConditions({ bufferBytes: 8000 });
  a.link.send(unreliable, numbered(7));
  clock.advance(300);
  expect(b.numbers('unreliable')).toEqual([7]);
  expect(clock.now() - before).toBeLessThan(1000);
});

test('a full wire: unreliable bytes are bounded, the oldest go; reliable ones all arrive', () => {
  const { clock, a, b } = connected({ bytesPerSecond: 20_000, bufferBytes: 2000 });
  for (let i = 0; i < 2000; i++) a.link.send(ordered, numbered(i, 100));
  for (let i = 0; i < 50; i++) a.link.send(reliable, numbered(i, 100));
  expect(a.link.bufferedBytes).toBeLessThan(64 * 1024 + 2000 + 60 * 110);
  clock.advance(9000);
  expect(b.numbers()).toEqual(upTo(50));
  const seen = b.numbers('unreliableOrdered');
  expect(seen.at(-1)).toBe(1999);
  expect(seen.length).toBeLessThan(800);
});

test('reliable bytes are bounded: hasRoom says when', () => {
  const { clock, a, wires } = connected({}, { reliableBytes: 10_000 });
  wires[0].setConditions({ bytesPerSecond: 1, bufferBytes: 1 });
  while (a.link.hasRoom(500)) a.link.send(reliable, new Uint8Array(500));
  expect(a.link.stats().pendingReliableBytes).toBeGreaterThan(9000);
  expect(a.link.stats().pendingReliableBytes).toBeLessThanOrEqual(10_000);
  expect(a.link.isDrained).toBe(false);
  wires[0].setConditions({ bytesPerSecond: 1e9, bufferBytes: 1e6 });
  clock.advance(9000);
  expect(a.link.isDrained).toBe(true);
});

test('ping: the mean of the two best of the last three', () => {
  const { clock, a } = connected({ latencyMs: 40 });
  expect(a.link.stats().pingMs).toBeUndefined();
  clock.advance(5000);
  expect(a.link.stats().pingMs).toBe(80);
});

test('all reliable bytes are acknowledged soon, also when nothing is sent back', () => {
  const { clock, a } = connected({ latencyMs: 20 });
  a.link.send(reliable, new Uint8Array(100));
  clock.advance(61);
  expect(a.link.stats().pendingReliableBytes).toBe(0);
});

test('the reason of close arrives after all that was sent, and then the wire is let go', () => {
  const { clock, a, b, wires } = connected({ latencyMs: 30 });
  let released = 0;
  for (let i = 0; i < 40; i++) a.link.send(reliable, numbered(i, 800));
  a.link.close('good night', () => released++);
  a.link.close('again', () => released++);
  expect(() => a.link.send(reliable, new Uint8Array(1))).toThrow('closed');
  clock.advance(100);
  expect(b.numbers()).toEqual(upTo(40));
  expect(b.ended).toEqual(['good night']);
  expect(a.ended).toEqual([]);
  expect([a.link.state, b.link.state, released]).toEqual(['closed', 'closed', 2]);
  clock.advance(100);
  expect(wires.map((wire) => wire.isClosed)).toEqual([true, true]);
  expect(clock.pendingTimers).toBe(0);
});

test('close does not wait for ever for a silent other side', () => {
  const { clock, a, wires } = connected();
  wires[1].open({ onPacket: () => {}, onWritable: () => {}, onClosed: () => {} });
  let released = false;
  a.link.close('bye', () => {
    released = true;
  });
  clock.advance(999);
  expect(released).toBe(false);
  clock.advance(1);
  expect(released).toBe(true);
});

test('a long reason is cut to what fits, on a character', () => {
  const { clock, a, b } = connected();
  a.link.close('😀'.repeat(500));
  clock.advance(10);
  expect(b.ended[0]).toMatch(/^(😀){90,}$/u);
});

test('GNS TimeoutConnected: 10 s of silence and at least four pings end the link, on both sides', () => {
  const { clock, a, b, wires } = connected({ latencyMs: 10 });
  clock.advance(4900);
  for (const { link } of [a, b]) link.send(unreliable, numbered(0));
  clock.advance(100);
  for (const wire of wires) wire.setConditions({ loss: 1 });
  clock.advance(9900);
  expect(a.ended).toEqual([]);
  clock.advance(1200);
  expect(a.ended).toEqual(['no answer for 10 s']);
  expect(b.ended).toEqual(['no answer for 10 s']);
  clock.advance(2000);
  expect(clock.pendingTimers).toBe(0);
});

test('a side whose timers were throttled to one a minute does not time the other out', () => {
  const clock = new VirtualClock();
  const throttled: Scheduler = {
    now: () => clock.now(),
    wallClockMs: () => clock.wallClockMs(),
    soon: (callback) => clock.soon(callback),
    after: (delayMs: number, callback: () => void) =>
      clock.after(delayMs >= 1000 ? 60_000 : delayMs, callback),
  };
  const a = new End(throttled);
  const b = new End(clock);
  join(clock, [a, b], { latencyMs: 10 });
  clock.advance(200_000);
  expect([a.ended, b.ended]).toEqual([[], []]);
});

test('without any wire the link ends after the time-out too', () => {
  const { clock, a, wires } = connected();
  wires[0].cut('unplugged');
  expect(a.wiresLost).toEqual(['unplugged']);
  clock.advance(11_000);
  expect(a.ended).toEqual(['no answer for 10 s']);
});

test('a lost tail is repeated on the same wire', () => {
  const { clock, a, b, wires } = connected();
  clock.advance(10);
  const { send } = wires[0];
  wires[0].send = () => true; // a lane that breaks its promise
  a.link.send(reliable, numbered(0));
  clock.advance(0);
  wires[0].send = send;
  clock.advance(5000);
  expect(b.numbers()).toEqual([0]);
  expect(a.link.stats().pendingReliableBytes).toBe(0);
});

test('while receiving is paused reliable messages stay with the sender, then all arrive in order', () => {
  const { clock, a, b } = connected({}, { reliableBytes: 20_000 });
  b.link.pauseReceiving();
  for (let i = 0; a.link.hasRoom(500); i++) a.link.send(reliable, numbered(i, 500));
  a.link.send(unreliable, numbered(1));
  clock.advance(8000);
  expect(b.numbers()).toEqual([]);
  expect(b.numbers('unreliable')).toEqual([1]);
  expect(a.link.hasRoom(500)).toBe(false);
  b.link.resumeReceiving();
  clock.advance(100);
  expect(b.numbers()).toEqual(upTo(b.numbers().length));
  expect(b.numbers().length).toBeGreaterThan(30);
  expect(a.link.stats().pendingReliableBytes).toBe(0);
});

test('before its first wire a link does not time out: how long that takes is its owner’s affair', () => {
  const clock = new VirtualClock();
  const end = new End(clock);
  clock.advance(60_000);
  expect(end.ended).toEqual([]);
});

test('what arrives in a Buffer is copied out of it, although Buffer.slice copies nothing', () => {
  const clock = new VirtualClock();
  const [a, b] = [new End(clock), new End(clock)];
  const wires = join(clock, [a, b]);
  const memory = Buffer.alloc(1000);
  wires[1].open({
    ...b.link.handlersFor(() => wires[1]),
    onPacket: (packet) => {
      memory.set(packet);
      b.link.handlePacket(memory.subarray(0, packet.length));
      memory.fill(0xee);
    },
  });
  a.link.send(reliable, Uint8Array.of(1, 2, 3));
  clock.advance(10);
  expect(b.received[0]?.bytes).toEqual(Uint8Array.of(1, 2, 3));
});

test('a wire too narrow for our packets is refused', () => {
  const clock = new VirtualClock();
  const [wire] = SimWire.pair(clock, { maxPacketBytes: 999 });
  expect(() => new End(clock).link.attach(wire)).toThrow('1000 bytes');
});

test('an acknowledgement of what was never sent is counted and ignored', () => {
  const { clock, a } = connected();
  a.link.send(reliable, new Uint8Array(3));
  a.link.handlePacket(Uint8Array.of(1, 0, 0, 0, 99, 0x80, 0, 0, 1, 0, 0));
  expect(a.link.stats().malformed).toBe(1);
  clock.advance(100);
  expect(a.link.stats().pendingReliableBytes).toBe(0);
});

test('hostile packets are counted, never thrown, and take no memory with them', () => {
  const clock = new VirtualClock();
  const victim = new End(clock);
  const wire = SimWire.pair(clock)[0].open(victim.link.handlersFor(() => undefined));
  victim.link.attach(wire);
  const packet = fc.oneof(
    fc.uint8Array({ maxLength: 1100 }),
    fc
      .tuple(fc.constantFrom(1, 2), fc.nat(2000), fc.uint8Array({ maxLength: 300 }))
      .map(([type, number, rest]) => Uint8Array.of(type, 0, 0, number >> 8, number & 255, ...rest)),
  );
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 40 }), (packets) => {
      for (const bytes of packets) victim.link.handlePacket(bytes);
      clock.advance(1);
      expect(victim.link.stats().pendingReliableBytes).toBe(0);
      expect(victim.link.bufferedBytes).toBeLessThan(70_000);
    }),
  );
});

const states = Object.keys(linkTransitions) as LinkState[];

test('docs/states/link.md draws the table, and every state reaches closed', () => {
  const page = readFileSync(new URL('../../../../docs/states/link.md', import.meta.url), 'utf8');
  const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+):/gm)].map(
    ([, from, to]) => `${from} ${to}`,
  );
  const moves = states.flatMap((from) => linkTransitions[from].map((to) => `${from} ${to}`));
  expect(drawn.sort()).toEqual(moves.sort());
  for (const state of states) {
    const reach = new Set<LinkState>([state]);
    for (const from of reach) for (const to of linkTransitions[from]) reach.add(to);
    expect(reach).toContain('closed');
  }
});

type Step =
  | { readonly do: 'send'; readonly side: 0 | 1; readonly channel: number; readonly size: number }
  | { readonly do: 'state'; readonly side: 0 | 1; readonly channel: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut'; readonly seed: number }
  | { readonly do: 'switch'; readonly seed: number }
  /** Only one side moves to a new wire; the other still sends by the old one for a while. */
  | { readonly do: 'half'; readonly side: 0 | 1; readonly seed: number };

const side = fc.constantFrom<0 | 1>(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      side,
      channel: fc.nat(2),
      size: fc.oneof(fc.integer({ min: 4, max: 60 }), fc.integer({ min: 900, max: 4000 })),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('state' as const), side, channel: fc.nat(2) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(120) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('cut' as const, 'switch' as const),
      seed: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('half' as const), side, seed: fc.nat() }) },
);

test('model: through any changes of wire, reliable arrives exactly once in order per channel, ordered never goes back', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 120 }), fc.nat(), (steps, seed) => {
      const clock = new VirtualClock();
      const ends = [new End(clock), new End(clock)] as const;
      const conditions = {
        latencyMs: 20,
        jitterMs: 60,
        loss: 0.2,
        duplicate: 0.2,
        bytesPerSecond: 200_000,
      };
      let wires = join(clock, ends, conditions, seed);
      const sent = [0, 1].map(() => [0, 0, 0]);
      const states = [0, 1].map(() => [0, 0, 0]);
      const next = (table: number[][], s: 0 | 1, channel: number): number => {
        const row = table[s] ?? [];
        const n = row[channel] ?? 0;
        row[channel] = n + 1;
        return n;
      };
      for (const s of steps) {
        if (s.do === 'send') {
          const n = next(sent, s.side, s.channel);
          ends[s.side].link.send({ ...reliable, channel: s.channel }, numbered(n, s.size));
        } else if (s.do === 'state') {
          const n = next(states, s.side, s.channel);
          ends[s.side].link.send({ ...ordered, channel: s.channel }, numbered(n));
        } else if (s.do === 'wait') clock.advance(s.ms);
        else if (s.do === 'cut') {
          wires[0].cut();
          wires = join(clock, ends, conditions, s.seed);
        } else if (s.do === 'switch') wires = join(clock, ends, conditions, s.seed);
        else {
          const pair = openPair(clock, ends, conditions, s.seed);
          ends[s.side].link.attach(pair[s.side]);
          const other = s.side === 0 ? 1 : 0;
          clock.after(70, () => {
            if (!pair[other].isClosed) ends[other].link.attach(pair[other]);
          });
          wires = pair;
        }
      }
      clock.advance(30_000);
      for (const i of [0, 1] as const) {
        const other = ends[i === 0 ? 1 : 0];
        for (const channel of [0, 1, 2]) {
          expect(other.numbers('reliable', channel)).toEqual(upTo(sent[i]?.[channel] ?? 0));
          const seen = other.numbers('unreliableOrdered', channel);
          expect(seen).toEqual([...new Set(seen)].sort((x, y) => x - y));
        }
        expect(ends[i].link.stats().pendingReliableBytes).toBe(0);
        expect(ends[i].link.stats().malformed).toBe(0);
        expect(ends[i].ended).toEqual([]);
      }
    }),
    { numRuns: 150 },
  );
});
