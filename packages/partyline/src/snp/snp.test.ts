import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Core, Millis, Transmit } from '../base/index.ts';
import { type LinkConditions, mulberry32, SimNetwork } from '../testing/index.ts';
import { type LaneOptions, type ReceivedMessage, SendFlag, Snp, type SnpOptions } from './index.ts';

const PACKET_BYTES = 1232;
/** What IPv4, UDP and GNS's header and tag add; only the rate sees it. */
const OVERHEAD_BYTES = 23;

/** The smallest owner an Snp can have: numbers packets, protects nothing. */
class Peer implements Core<string, ReceivedMessage> {
  readonly snp: Snp;
  readonly #to: string;
  /** Sends when asked for the time: what the application does between packets. */
  readonly #onTurn: (now: Millis) => void;
  #next = 2;
  #newest = 1;
  #now: Millis = 0;
  readonly #seen = new Set<number>();
  readonly #buffer = new Uint8Array(PACKET_BYTES);
  packetsSent = 0;

  constructor(to: string, options: SnpOptions, onTurn: (snp: Snp, now: Millis) => void) {
    this.#to = to;
    this.snp = new Snp(0, options);
    this.snp.start(0, 1);
    this.snp.isOpen = true;
    this.#onTurn = (now) => onTurn(this.snp, now);
  }

  handleDatagram(now: Millis, _from: string, bytes: Uint8Array): void {
    this.#now = now;
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (this.#seen.has(number)) return;
    this.#seen.add(number);
    this.#newest = Math.max(this.#newest, number);
    this.snp.handlePacket(now, number, this.#next, bytes.subarray(4), bytes.length - 4);
  }

  handleTimeout(now: Millis): void {
    this.#now = now;
    this.#onTurn(now);
  }

  pollTransmit(): Transmit<string> | undefined {
    if (this.snp.nextSendAt(this.#now) > this.#now) return undefined;
    const length = this.snp.writePacket(this.#now, this.#next, this.#buffer, 0, PACKET_BYTES);
    if (length === 0) return undefined;
    const datagram = new Uint8Array(4 + length);
    new DataView(datagram.buffer).setUint32(0, this.#next);
    datagram.set(this.#buffer.subarray(0, length), 4);
    this.#next += 1;
    this.packetsSent += 1;
    this.snp.sent(length + OVERHEAD_BYTES);
    return { to: this.#to, bytes: datagram };
  }

  pollEvent(): ReceivedMessage | undefined {
    return this.snp.receive(this.#now);
  }

  pollTimeout(): Millis | undefined {
    const at = this.snp.nextSendAt(this.#now);
    return at === Number.POSITIVE_INFINITY ? undefined : Math.max(at, this.#now);
  }
}

interface Sent {
  readonly lane: number;
  readonly isReliable: boolean;
  readonly bytes: Uint8Array;
}

interface Run {
  readonly messages: readonly Sent[];
  readonly link: LinkConditions;
  readonly seed: number;
  readonly options?: SnpOptions;
  readonly lanes?: readonly LaneOptions[];
  readonly untilMs?: Millis;
}

const fast: SnpOptions = {
  sendRateMinBytesPerSecond: 4_000_000,
  sendRateMaxBytesPerSecond: 4_000_000,
};

function send(run: Run): { received: readonly ReceivedMessage[]; sender: Peer; at: Millis } {
  const waiting = [...run.messages];
  const feed = (snp: Snp, now: Millis): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const flags = next.isReliable ? SendFlag.Reliable : SendFlag.Unreliable;
      if (snp.send(now, next.bytes, flags, next.lane) === 0) return;
      waiting.shift();
    }
  };
  const options = { ...fast, ...run.options };
  const a = new Peer('b', options, feed);
  const b = new Peer('a', options, () => {});
  if (run.lanes) a.snp.configureLanes(run.lanes);
  feed(a.snp, 0);
  const net = new SimNetwork(a, b, run.link, run.seed);
  net.run(run.untilMs ?? 600_000);
  expect(waiting).toEqual([]);
  return { received: net.eventsB, sender: a, at: net.now };
}

function message(random: () => number, lanes: number, maxBytes: number, reliable = 0.5): Sent {
  const size = Math.floor(random() ** 3 * maxBytes);
  const first = Math.floor(random() * 256);
  const bytes = new Uint8Array(size).map((_, i) => first + i * 7);
  return { lane: Math.floor(random() * lanes), isReliable: random() < reliable, bytes };
}

/** `toEqual` looks at each element through a proxy: too slow for megabytes. */
function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** Reliable ones per lane: all, once, in order. Unreliable ones: none that was not sent, none twice. */
function expectDelivered(messages: readonly Sent[], received: readonly ReceivedMessage[]): void {
  const lanes = new Set(messages.map(({ lane }) => lane));
  for (const lane of lanes) {
    const numbered = messages
      .filter((sent) => sent.lane === lane)
      .map((sent, i) => ({ ...sent, number: i + 1 }));
    const got = received.filter((m) => m.lane === lane);
    const reliable = numbered.filter((m) => m.isReliable || m.bytes.length > 16_500);
    expect(got.filter((m) => m.isReliable).map((m) => m.number)).toEqual(
      reliable.map((m) => m.number),
    );
    expect(new Set(got.map((m) => m.number)).size).toBe(got.length);
    for (const m of got) expect(isSame(m.bytes, numbered[m.number - 1]?.bytes)).toBe(true);
  }
}

describe('delivery', () => {
  test('a clean link delivers everything in order, unreliable too', () => {
    const random = mulberry32(1);
    const messages = Array.from({ length: 500 }, () => message(random, 1, 6000));
    const { received } = send({ messages, link: { latencyMs: 20 }, seed: 1 });
    expect(received.map((m) => m.number)).toEqual(messages.map((_, i) => i + 1));
    expectDelivered(messages, received);
  });

  test('reliable messages arrive once and in order per lane, whatever the network does', () => {
    const conditions = fc.record({
      seed: fc.nat(),
      loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
      duplicate: fc.double({ min: 0, max: 0.2, noNaN: true }),
      latencyMs: fc.integer({ min: 0, max: 150 }),
      jitterMs: fc.integer({ min: 0, max: 40 }),
      lanes: fc.integer({ min: 1, max: 12 }),
      count: fc.integer({ min: 1, max: 150 }),
      maxBytes: fc.constantFrom(1, 40, 1200, 5000, 60_000),
    });
    fc.assert(
      fc.property(conditions, ({ seed, lanes, count, maxBytes, ...link }) => {
        const random = mulberry32(seed);
        const messages = Array.from({ length: count }, () => message(random, lanes, maxBytes));
        const options = Array.from({ length: lanes }, (_, i) => ({
          priority: i % 3,
          weight: i + 1,
        }));
        const { received, sender } = send({ messages, link, seed, lanes: options });
        expectDelivered(messages, received);
        expect(sender.snp.isDelivered).toBe(true);
        expect(sender.snp.stats()).toMatchObject({
          pendingReliableBytes: 0,
          pendingUnreliableBytes: 0,
          sentUnackedReliableBytes: 0,
        });
      }),
      { numRuns: 60 },
    );
  });

  test('a message of 512 KiB crosses 5 % loss', () => {
    const bytes = new Uint8Array(512 * 1024).map((_, i) => i * 7);
    const messages = [{ lane: 0, isReliable: true, bytes }];
    const { received } = send({ messages, link: { loss: 0.05, latencyMs: 10 }, seed: 3 });
    expect(isSame(received[0]?.bytes, bytes)).toBe(true);
  });

  test('a lane that waits for what was lost asks for no turn meanwhile', () => {
    const random = mulberry32(97);
    const messages = Array.from({ length: 147 }, () => message(random, 1, 60_000));
    const link = { loss: 0.037, duplicate: 0.16, latencyMs: 114, jitterMs: 24 };
    const { received, sender } = send({ messages, link, seed: 97 });
    expectDelivered(messages, received);
    expect(sender.packetsSent).toBeLessThan(20_000);
  });

  test('empty messages are messages', () => {
    const empty = new Uint8Array(0);
    const messages = [true, false, false, true, false].map((isReliable) => ({
      lane: 0,
      isReliable,
      bytes: empty,
    }));
    const { received } = send({ messages, link: {}, seed: 1 });
    expect(received.map((m) => [m.number, m.isReliable])).toEqual(
      messages.map((m, i) => [i + 1, m.isReliable]),
    );
  });

  test('an unreliable message over 16,500 bytes goes reliably, as GNS does it', () => {
    const messages = [16_500, 16_501].map((size) => ({
      lane: 0,
      isReliable: false,
      bytes: new Uint8Array(size),
    }));
    const { received } = send({ messages, link: {}, seed: 1 });
    expect(received.map((m) => m.isReliable)).toEqual([false, true]);
  });
});

describe('timing', () => {
  test('a small message waits 5 ms for company; NoNagle and a full packet do not wait', () => {
    const arrival = (sizes: number[], flags: number): Millis => {
      const a = new Peer('b', fast, () => {});
      const b = new Peer('a', fast, () => {});
      for (const size of sizes) a.snp.send(0, new Uint8Array(size), flags);
      const net = new SimNetwork(a, b);
      net.run(1000);
      return net.eventsB[0]?.receivedAt ?? -1;
    };
    expect(arrival([10], SendFlag.Reliable)).toBe(5);
    expect(arrival([10], SendFlag.Reliable | SendFlag.NoNagle)).toBe(0);
    expect(arrival([700, 700], SendFlag.Unreliable)).toBe(0);
  });

  test('the token bucket keeps the rate', () => {
    const messages = Array.from({ length: 100 }, () => ({
      lane: 0,
      isReliable: true,
      bytes: new Uint8Array(5000),
    }));
    const options = { sendRateMinBytesPerSecond: 100_000, sendRateMaxBytesPerSecond: 100_000 };
    const { received } = send({ messages, link: {}, seed: 1, options });
    const seconds = (received.at(-1)?.receivedAt ?? 0) / 1000;
    expect(seconds).toBeGreaterThan(4.9);
    expect(seconds).toBeLessThan(5.5);
  });

  test('lost data is repeated after 3 pings + 60 ms without a report, after 1 s without a ping', () => {
    const options = { ...fast, nagleMs: 0 };
    const snp = new Snp(0, options);
    snp.start(0, 1);
    snp.isOpen = true;
    const buffer = new Uint8Array(PACKET_BYTES);
    snp.send(0, new Uint8Array(9), SendFlag.Reliable);
    expect(snp.writePacket(0, 2, buffer, 0, PACKET_BYTES)).toBeGreaterThan(9);
    expect(snp.nextSendAt(0)).toBe(1000);
    snp.roundTrip.sample(0, 40);
    expect(snp.nextSendAt(0)).toBe(180);
    expect(snp.nextSendAt(180)).toBe(180);
    expect(snp.writePacket(180, 3, buffer, 0, PACKET_BYTES)).toBeGreaterThan(9);
    expect(snp.stats().packetsLost).toBe(1);
  });

  test('an idle pair falls silent', () => {
    const messages = [{ lane: 0, isReliable: true, bytes: new Uint8Array(10) }];
    const { sender, at } = send({ messages, link: { latencyMs: 10 }, seed: 1 });
    expect(at).toBeLessThan(200);
    expect(sender.packetsSent).toBeLessThan(4);
  });
});

describe('lanes', () => {
  const flood = (lane: number, count: number): Sent[] =>
    Array.from({ length: count }, () => ({ lane, isReliable: true, bytes: new Uint8Array(1000) }));

  test('a lane of higher priority goes first', () => {
    const messages = [...flood(0, 50), ...flood(1, 50)];
    const lanes = [{ priority: 1 }, { priority: 0 }];
    const { received } = send({ messages, link: {}, seed: 1, lanes });
    expect(received.slice(2, 50).every((m) => m.lane === 1)).toBe(true);
  });

  test('lanes of one priority share by weight', () => {
    const messages = [...flood(0, 200), ...flood(1, 200)];
    const lanes = [{ weight: 1 }, { weight: 3 }];
    const { received } = send({ messages, link: {}, seed: 1, lanes });
    const share = received.slice(0, 160).filter((m) => m.lane === 1).length / 160;
    expect(share).toBeCloseTo(0.75, 1);
  });

  test('255 lanes work, 256 do not, none can be taken away', () => {
    const lanes = Array.from({ length: 255 }, () => ({}));
    const messages = lanes.map((_, lane) => ({
      lane,
      isReliable: true,
      bytes: Uint8Array.of(lane),
    }));
    const { received } = send({ messages, link: { loss: 0.1 }, seed: 1, lanes });
    expect(new Set(received.map((m) => m.lane)).size).toBe(255);
    const snp = new Snp(0);
    expect(() => snp.configureLanes([...lanes, {}])).toThrow('1 to 255');
    snp.configureLanes([{}, {}]);
    expect(() => snp.configureLanes([{}])).toThrow('2 to 255');
    expect(() => snp.send(0, new Uint8Array(1), 0, 2)).toThrow('lane 2');
  });
});

describe('back-pressure', () => {
  test('a full send buffer takes no more and says so', () => {
    const snp = new Snp(0);
    expect(snp.send(0, new Uint8Array(512 * 1024 - 10), SendFlag.Reliable)).toBe(1);
    expect(snp.send(0, new Uint8Array(64), SendFlag.Reliable)).toBe(0);
    expect(snp.send(0, new Uint8Array(64), SendFlag.NoDelay)).toBe(-1);
    expect(() => snp.send(0, new Uint8Array(512 * 1024 + 1), SendFlag.Reliable)).toThrow('524288');
  });

  test('a receiver whose application sleeps loses nothing reliable and holds no more than its limits', () => {
    const random = mulberry32(5);
    const messages = Array.from({ length: 400 }, () => message(random, 3, 9000, 1));
    const waiting = [...messages];
    const options = {
      ...fast,
      receiveBufferBytes: 65_536,
      maxMessageBytes: 65_536,
      receiveBufferMessages: 20,
    };
    const a = new Peer('b', options, (snp, now) => {
      while (waiting[0] && snp.send(now, waiting[0].bytes, SendFlag.Reliable, waiting[0].lane) > 0)
        waiting.shift();
    });
    a.snp.configureLanes([{}, {}, {}]);
    const b = new Peer('a', options, () => {});
    const taken: ReceivedMessage[] = [];
    const sleepy = {
      handleDatagram: (now: Millis, from: string, bytes: Uint8Array) =>
        b.handleDatagram(now, from, bytes),
      handleTimeout: (now: Millis) => {
        b.handleTimeout(now);
        const m = Math.floor(now / 7) % 3 === 0 ? b.snp.receive(now) : undefined;
        if (m) taken.push(m);
      },
      pollTransmit: () => b.pollTransmit(),
      pollEvent: () => undefined,
      pollTimeout: () => Math.min(b.pollTimeout() ?? Number.POSITIVE_INFINITY, net.now + 1),
    };
    a.handleTimeout(0);
    const net: SimNetwork<ReceivedMessage, undefined> = new SimNetwork(
      a,
      sleepy,
      { loss: 0.05, latencyMs: 5 },
      9,
    );
    for (let t = 1000; taken.length < messages.length && t < 120_000; t += 1000) net.run(t);
    expectDelivered(messages, taken);
  });
});
