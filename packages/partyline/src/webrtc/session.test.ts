import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeNetwork } from '../../test/fake-peer-connection.ts';
import { createNobleCrypto } from '../crypto/index.ts';
import { mulberry32, seededBytes, VirtualClock } from '../testing/index.ts';
import { webRtcLimits } from './limits.ts';
import type { WebRtcContext } from './proof.ts';
import { WebRtcSession } from './session.ts';
import type { WebRtcTiming } from './session-options.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(7) });
const seeds = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const OFFERER = 10;
const ANSWERER = 20;

/** What happens to one signal: how often it arrives, and after how many milliseconds each time. */
type Fate = readonly number[];
const promptly: () => Fate = () => [1];

interface Side {
  readonly session: WebRtcSession;
  readonly log: string[];
}

class Pair {
  readonly clock = new VirtualClock();
  readonly network = new FakeNetwork(this.clock);
  fate: (from: number) => Fate = promptly;
  readonly sides: [Side, Side];

  constructor(
    changes: Partial<Record<'offerer' | 'answerer', Partial<WebRtcContext>>> = {},
    timing: WebRtcTiming = {},
  ) {
    this.sides = [this.join(0, changes.offerer, timing), this.join(1, changes.answerer, timing)];
  }

  join(index: 0 | 1, change: Partial<WebRtcContext> = {}, timing: WebRtcTiming = {}): Side {
    const log: string[] = [];
    const seed = seeds[index];
    const session = new WebRtcSession({
      context: {
        app: 'arena',
        lobby: 'l1',
        epoch: 1,
        local: index === 0 ? OFFERER : ANSWERER,
        remote: index === 0 ? ANSWERER : OFFERER,
        remoteKey: crypto.ed25519PublicKey(seeds[index === 0 ? 1 : 0]),
        ...change,
      },
      sign: (bytes) => crypto.ed25519Sign(seed, bytes),
      crypto,
      scheduler: this.clock,
      createPeerConnection: () => this.network.create(),
      sendSignal: (payload) => this.carry(index, payload),
      handlers: {
        onOpen: () => log.push('open'),
        onPacket: (packet, reliable) => log.push(`${reliable ? 'r' : 'u'}${String(packet)}`),
        onWritable: () => log.push('writable'),
        onClosed: (_reason, code) => log.push(`closed ${code}`),
      },
      timing,
    });
    return { session, log };
  }

  carry(from: 0 | 1, payload: Uint8Array): void {
    for (const delayMs of this.fate(from)) {
      this.clock.after(delayMs, () => this.sides[from === 0 ? 1 : 0].session.handleSignal(payload));
    }
  }

  /** Ends a side without a word to the other, and starts it anew. */
  crash(index: 0 | 1): void {
    const { fate } = this;
    this.fate = () => [];
    for (const connection of this.network.connections) {
      for (const channel of connection.channels.values()) channel.endBoth = () => {};
    }
    this.sides[index].session.close();
    this.fate = fate;
    this.sides[index] = this.join(index);
  }

  async run(ms = 1000): Promise<void> {
    await this.clock.advanceAsync(ms);
  }

  get states(): string[] {
    return this.sides.map(({ session }) => session.state);
  }
}

async function opened(): Promise<Pair> {
  const pair = new Pair();
  await pair.run();
  expect(pair.states).toEqual(['open', 'open']);
  return pair;
}

describe('opening', () => {
  test('both sides open once, in a few milliseconds, and packets flow both ways', async () => {
    const pair = new Pair();
    await pair.run(20);
    const [a, b] = pair.sides;
    expect(a.session.send(Uint8Array.of(1, 2), true)).toBe(true);
    expect(b.session.send(Uint8Array.of(3), false)).toBe(true);
    await pair.run(5);
    expect(a.log).toEqual(['open', 'u3']);
    expect(b.log).toEqual(['open', 'r1,2']);
  });

  test('data channels that open before the page hears of the answer: open when it does', async () => {
    const pair = new Pair();
    pair.network.answerLagMs = 50;
    await pair.run(200);
    expect(pair.sides.map(({ log }) => log)).toEqual([['open'], ['open']]);
  });

  test('the smaller member id offers', () => {
    expect(new Pair().sides.map(({ session }) => session.role)).toEqual(['offerer', 'answerer']);
  });

  test('an open pair is silent: acknowledgements are not answered', async () => {
    const pair = await opened();
    let signals = 0;
    pair.fate = () => {
      signals += 1;
      return [1];
    };
    await pair.run(60_000);
    expect(signals).toBe(0);
  });

  test('any loss, duplication and reordering of signals: both open, or both end with a reason', async () => {
    const worlds = fc.record({
      seed: fc.nat(),
      loss: fc.constantFrom(0, 0.1, 0.3, 0.6, 0.9, 1),
      doubles: fc.constantFrom(0, 0.3),
      maxDelayMs: fc.constantFrom(1, 50, 1500),
    });
    await fc.assert(
      fc.asyncProperty(worlds, async ({ seed, loss, doubles, maxDelayMs }) => {
        const random = mulberry32(seed);
        const pair = new Pair();
        pair.fate = () => {
          if (random() < loss) return [];
          const delay = (): number => random() * maxDelayMs;
          return random() < doubles ? [delay(), delay(), delay()] : [delay()];
        };
        await pair.run(60_000);
        const [a, b] = pair.states;
        expect(a).toBe(b);
        expect(['open', 'closed']).toContain(a);
        if (loss <= 0.3) expect(a).toBe('open');
        for (const { log } of pair.sides) {
          expect(log.filter((line) => line.startsWith('closed'))).toHaveLength(
            a === 'open' ? 0 : 1,
          );
          expect(log.filter((line) => line === 'open').length).toBeLessThanOrEqual(1);
        }
        for (const { session } of pair.sides) session.close();
        await pair.run(10_000);
        expect(pair.clock.pendingTimers).toBe(0);
      }),
      {
        numRuns: 60,
        // Both are open, and no acknowledgement of the last candidates gets through.
        examples: [[{ seed: 1379459155, loss: 0.3, doubles: 0.3, maxDelayMs: 50 }]],
      },
    );
  });

  test('an answerer that comes late is met at once: its hello has the offer sent again', async () => {
    const pair = new Pair();
    pair.fate = () => [];
    await pair.run(5000);
    pair.sides[1].session.close();
    pair.fate = promptly;
    pair.sides[1] = pair.join(1);
    await pair.run(30);
    expect(pair.states).toEqual(['open', 'open']);
  });

  test('an offer in the very turn in which the answerer is made: open, and it stays open', async () => {
    const pair = new Pair();
    const signals: Uint8Array[] = [];
    const deliver = pair.carry.bind(pair);
    pair.carry = (from, payload) => {
      if (from === 0) signals.push(payload);
    };
    pair.sides[1].session.close();
    await pair.run(20);
    pair.sides[1] = pair.join(1);
    for (const signal of signals) pair.sides[1].session.handleSignal(signal);
    pair.carry = deliver;
    await pair.run(120_000);
    expect(pair.states).toEqual(['open', 'open']);
    expect(pair.sides[1].log).toEqual(['open']);
  });

  test('nobody there: closed with a reason in bounded time', async () => {
    const pair = new Pair();
    pair.fate = () => [];
    await pair.run(30_000);
    expect(pair.sides.map(({ log }) => log)).toEqual([
      ['closed PEER_CONNECT_TIMEOUT'],
      ['closed PEER_CONNECT_TIMEOUT'],
    ]);
  });

  test.each([0, 1] as const)(
    'side %i starts over while opening: the new session opens',
    async (i) => {
      const pair = new Pair();
      await pair.run(3);
      expect(pair.states).toEqual(['negotiating', 'negotiating']);
      pair.crash(i);
      await pair.run(5000);
      expect(pair.states).toEqual(['open', 'open']);
    },
  );

  test.each([0, 1] as const)('side %i starts over when open: the other ends', async (i) => {
    const pair = await opened();
    pair.crash(i);
    await pair.run(2000);
    expect(pair.sides[i === 0 ? 1 : 0].log).toContain('closed PEER_CLOSED');
  });

  test('a platform without peer connections ends with a reason', async () => {
    const pair = new Pair();
    pair.network.create = () => {
      throw new Error('too many');
    };
    await pair.run();
    expect(pair.sides[0].log).toEqual(['closed PEER_CONNECT_FAILED']);
  });

  test('malformed signals are counted and change nothing', async () => {
    const pair = await opened();
    pair.sides[0].session.handleSignal(Uint8Array.of(9, 9, 9));
    expect(pair.sides[0].session.stats()).toMatchObject({ state: 'open', malformedSignals: 1 });
  });
});

describe('two libdatachannels', () => {
  const prone = (handshake: 'stalls' | 'fails'): Pair => {
    const pair = new Pair();
    pair.network.origin = 'rtc';
    pair.network.nextHandshake = handshake;
    return pair;
  };

  test.each(['stalls', 'fails'] as const)('a handshake that %s is tried again', async (how) => {
    const pair = prone(how);
    await pair.run(300);
    expect(pair.states).toEqual(['open', 'open']);
    expect(pair.sides.map(({ session }) => session.stats().attempts)).toEqual([2, 2]);
  });

  test('attempts are bounded', async () => {
    const pair = prone('fails');
    pair.network.join = (connection) => {
      pair.network.nextHandshake = 'fails';
      FakeNetwork.prototype.join.call(pair.network, connection);
    };
    await pair.run(30_000);
    expect(pair.states).toEqual(['closed', 'closed']);
    expect(pair.network.connections.length).toBeLessThanOrEqual(2 * webRtcLimits.maxAttempts);
  });

  test('a failed handshake with another stack is the end', async () => {
    const pair = new Pair();
    pair.network.nextHandshake = 'fails';
    await pair.run();
    expect(pair.sides.map(({ log }) => log)).toEqual([
      ['closed PEER_CONNECT_FAILED'],
      ['closed PEER_CONNECT_FAILED'],
    ]);
  });
});

describe('packets', () => {
  test('over the limit, or into a full buffer, are not taken; room is announced', async () => {
    const pair = await opened();
    const [{ session, log }] = pair.sides;
    expect(session.send(new Uint8Array(webRtcLimits.maxPacketBytes + 1), true)).toBe(false);
    let taken = 0;
    while (session.send(new Uint8Array(1000), false)) taken += 1;
    expect(taken * 1000).toBeLessThanOrEqual(32 * 1024);
    expect(session.bufferedBytes).toBe(taken * 1000);
    await pair.run(10);
    expect(log).toContain('writable');
    expect(session.bufferedBytes).toBe(0);
  });

  test('a stuck data channel ends the session after a second, if the path is alive', async () => {
    const pair = await opened();
    const stuck = pair.network.connections[0]?.channels.get(1);
    if (stuck) stuck.isStuck = true;
    pair.sides[0].session.send(new Uint8Array(10), false);
    for (let ms = 0; ms < 1400; ms += 100) {
      pair.sides[1].session.send(Uint8Array.of(1), true);
      await pair.run(100);
    }
    expect(pair.sides[0].log).toContain('closed PEER_CLOSED');
  });

  test('a sender that keeps the buffer full is not stuck', async () => {
    const pair = await opened();
    const [{ session }, other] = pair.sides;
    for (let ms = 0; ms < 5000; ms += 1) {
      while (session.send(new Uint8Array(1000), false)) {}
      other.session.send(Uint8Array.of(1), true);
      await pair.clock.advanceAsync(1);
    }
    expect(pair.states).toEqual(['open', 'open']);
  });
});

describe('losing the path', () => {
  test.each([0, 1] as const)(
    'disconnected for 3 s: ICE restarts, asked for by side %i too',
    async (i) => {
      const pair = await opened();
      pair.network.connections[i]?.moveIce('disconnected');
      expect(pair.network.connections).toHaveLength(2);
      await pair.run(10);
      expect(pair.sides[i].session.state).toBe('restoring');
      expect(pair.sides[i].session.send(Uint8Array.of(7), true)).toBe(true);
      await pair.run(2900);
      expect(pair.sides[i].session.stats().iceRestarts).toBe(0);
      await pair.run(300);
      expect(pair.sides[i].session.stats().iceRestarts).toBe(1);
      pair.network.setIceState('connected');
      await pair.run(50);
      expect(pair.states).toEqual(['open', 'open']);
      expect(pair.sides[i === 0 ? 1 : 0].log).toContain('r7');
    },
  );

  test('back within 3 s: no restart', async () => {
    const pair = await opened();
    pair.network.setIceState('disconnected');
    await pair.run(1000);
    pair.network.setIceState('connected');
    await pair.run(20_000);
    expect(pair.states).toEqual(['open', 'open']);
    expect(pair.sides[0].session.stats().iceRestarts).toBe(0);
  });

  test('gone for good: closed with a reason on both sides', async () => {
    const pair = await opened();
    pair.fate = () => [];
    pair.network.setIceState('disconnected');
    await pair.run(11_000);
    expect(pair.sides.map(({ log }) => log)).toEqual([
      ['open', 'closed PEER_CLOSED'],
      ['open', 'closed PEER_CLOSED'],
    ]);
  });

  test.each([0, 1] as const)(
    'no signals while the path works: a restart by side %i stays without an answer, both stay open, the next one is answered',
    async (i) => {
      const pair = await opened();
      pair.fate = () => [];
      pair.sides[i].session.restartIce();
      await pair.run(60_000);
      expect(pair.sides.map(({ log }) => log)).toEqual([['open'], ['open']]);
      pair.fate = promptly;
      pair.sides[i].session.restartIce();
      await pair.run(100);
      const inForce = pair.network.connections.map(({ localDescription }) => localDescription?.sdp);
      expect(inForce.map((sdp) => /a=ice-ufrag:\w+g2/.test(sdp ?? ''))).toEqual([true, true]);
      expect(pair.states).toEqual(['open', 'open']);
    },
  );

  test('failed: closed at once', async () => {
    const pair = await opened();
    pair.network.connections[0]?.moveIce('failed');
    await pair.run(10);
    expect(pair.states).toEqual(['closed', 'closed']);
  });

  test('an ICE restart asked for by both at once, while packets flow, loses none', async () => {
    const pair = await opened();
    const [a, b] = pair.sides;
    for (let n = 0; n < 200; n++) {
      expect(a.session.send(Uint8Array.of(n), true)).toBe(true);
      if (n === 50 || n === 120) {
        a.session.restartIce();
        b.session.restartIce();
      }
      await pair.run(2);
    }
    expect(b.log.slice(1)).toEqual(Array.from({ length: 200 }, (_, n) => `r${n}`));
    expect(pair.states).toEqual(['open', 'open']);
  });
});

describe('closing', () => {
  test('the other side hears it once and nothing follows; own close is silent', async () => {
    const pair = await opened();
    pair.sides[0].session.close('bye');
    pair.sides[0].session.close('again');
    await pair.run();
    expect(pair.sides[0].log).toEqual(['open']);
    expect(pair.sides[1].log).toEqual(['open', 'closed PEER_CLOSED']);
    expect(pair.sides[0].session.send(Uint8Array.of(1), true)).toBe(false);
  });
});
