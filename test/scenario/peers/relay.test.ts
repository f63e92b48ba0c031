import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NetError, silentLogger } from '../../../packages/partyline/src/base/index.ts';
import { createNobleCrypto } from '../../../packages/partyline/src/crypto/index.ts';
import { nobleSealing } from '../../../packages/partyline/src/crypto/sealing/index.ts';
import { RelayLine } from '../../../packages/partyline/src/peers/relay-line.ts';
import type { RelayWire } from '../../../packages/partyline/src/peers/relay-wire.ts';
import { FrameType } from '../../../packages/partyline/src/signaling/index.ts';
import { seededBytes, VirtualClock } from '../../../packages/partyline/src/testing/index.ts';

import { FakeRelay, type Passing } from './fake-relay.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(7) });

interface End {
  readonly line: RelayLine;
  readonly wires: RelayWire[];
  readonly received: string[];
  readonly closed: string[];
  readonly failed: NetError[];
  writable: number;
  want(): void;
}

const ids = [11, 22] as const;
const scope = { app: 'game', lobby: 'lobby' };
const epoch = 3;

function setup(
  options: { seeds?: readonly [Uint8Array, Uint8Array]; ticket?: () => Promise<string> } = {},
) {
  const clock = new VirtualClock();
  const relay = new FakeRelay(clock);
  const keys = ids.map((id) => new Uint8Array(32).fill(id));
  const seeds = options.seeds ?? keys;
  const publicKeys = keys.map((seed) => crypto.ed25519PublicKey(seed));
  const ends = ids.map((local, i): End => {
    const remote = ids[1 - i] ?? 0;
    const end: End = {
      line: new RelayLine({
        url: 'ws://server/v1/relay',
        sockets: relay.socketsOf(local),
        scheduler: clock,
        crypto,
        loadSealing: async () => nobleSealing,
        logger: silentLogger,
        scope: { ...scope, local },
        ticket: options.ticket ?? (async () => 'ticket'),
        sign: (envelope) => crypto.ed25519Sign(seeds[i] ?? new Uint8Array(32), envelope),
        keyOf: () => publicKeys[1 - i] ?? new Uint8Array(32),
      }),
      wires: [],
      received: [],
      closed: [],
      failed: [],
      writable: 0,
      want: () =>
        end.line.request(remote, epoch, {
          onWire: (wire) => {
            end.wires.push(wire);
            return {
              onPacket: (packet, lane) =>
                end.received.push(`${new TextDecoder().decode(packet)}${lane ? '!' : ''}`),
              onWritable: () => void end.writable++,
              onClosed: (reason) => end.closed.push(reason),
            };
          },
          onFailed: (error) => end.failed.push(error),
        }),
    };
    return end;
  });
  const [a, b] = ends as [End, End]; // two ids above
  return { clock, relay, a, b };
}

async function connected() {
  const net = setup();
  net.a.want();
  net.b.want();
  await net.clock.advanceAsync(100);
  expect([net.a.wires.length, net.b.wires.length]).toEqual([1, 1]);
  return net;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const say = (end: End, value: string, lane = false): boolean | undefined =>
  end.wires.at(-1)?.send(text(value), lane);

test('both prove who they are, then packets go both ways on both lanes, and the server reads none', async () => {
  const { clock, relay, a, b } = await connected();
  say(a, 'secret one', true);
  say(a, 'secret two');
  say(b, 'secret three', true);
  clock.advance(100);
  expect(b.received).toEqual(['secret one!', 'secret two']);
  expect(a.received).toEqual(['secret three!']);
  const all = relay.seen.map(({ payload }) => Buffer.from(payload).toString('latin1')).join();
  expect(all).not.toContain('secret');
  expect(relay.urls).toEqual(Array(2).fill('ws://server/v1/relay partyline.relay.v1 ticket'));
  a.line.close();
  b.line.close();
  clock.advance(100);
  expect(clock.pendingTimers).toBe(0);
});

test('hellos are said again until answered, also when the other comes a minute later', async () => {
  const { clock, a, b, relay } = setup();
  a.want();
  await clock.advanceAsync(60_000);
  expect(a.wires).toEqual([]);
  b.want();
  await clock.advanceAsync(1000);
  expect([a.wires.length, b.wires.length]).toEqual([1, 1]);
  const before = relay.seen.length;
  await clock.advanceAsync(5000);
  expect(relay.seen.length).toBe(before);
});

test('half of the hellos lost: they still meet', async () => {
  const { clock, a, b, relay } = setup();
  let n = 0;
  relay.tamper = (frame) => (n++ % 2 === 0 ? [] : [frame]);
  a.want();
  b.want();
  await clock.advanceAsync(5000);
  relay.tamper = (frame) => [frame];
  await clock.advanceAsync(2000);
  say(a, 'x', true);
  say(b, 'y', true);
  clock.advance(50);
  expect([b.received, a.received]).toEqual([['x!'], ['y!']]);
});

test('who has another key than its certificate says is PEER_UNVERIFIED, and gets no packet', async () => {
  const { clock, a, b } = setup({
    seeds: [new Uint8Array(32).fill(11), new Uint8Array(32).fill(99)],
  });
  a.want();
  b.want();
  await clock.advanceAsync(5000);
  expect(a.failed.map((error) => error.code)).toEqual(['PEER_UNVERIFIED']);
  expect(a.wires).toEqual([]);
});

test('a server that plays the other side with keys of its own, or mirrors our hellos, gets nowhere', async () => {
  const { clock, relay, a } = setup();
  relay.tamper = (frame) => [{ ...frame, from: frame.to, to: frame.from }];
  a.want();
  await clock.advanceAsync(4000);
  expect(a.wires).toEqual([]);
});

test('a hello of another lobby, epoch or app does not verify', async () => {
  for (const change of [{ scope: { lobby: 'other' } }, { epoch: 4 }, { scope: { app: 'other' } }]) {
    const clock = new VirtualClock();
    const relay = new FakeRelay(clock);
    const wires: RelayWire[] = [];
    for (const [i, local] of ids.entries()) {
      const line = new RelayLine({
        url: 'ws://s',
        sockets: relay.socketsOf(local),
        scheduler: clock,
        crypto,
        loadSealing: async () => nobleSealing,
        logger: silentLogger,
        scope: { ...scope, ...(i === 1 && 'scope' in change ? change.scope : {}), local },
        ticket: async () => 't',
        sign: (envelope) => crypto.ed25519Sign(new Uint8Array(32).fill(local), envelope),
        keyOf: (member) => crypto.ed25519PublicKey(new Uint8Array(32).fill(member)),
      });
      line.request(ids[1 - i] ?? 0, i === 1 && 'epoch' in change ? change.epoch : epoch, {
        onWire: (wire) => {
          wires.push(wire);
          return undefined;
        },
        onFailed: () => {},
      });
    }
    await clock.advanceAsync(4000);
    expect(wires).toEqual([]);
  }
});

test('a changed byte, a second copy, the other lane, the other direction: dropped', async () => {
  const { clock, relay, a, b } = await connected();
  relay.tamper = (frame) => {
    const flipped = frame.payload.slice();
    flipped[12] = (flipped[12] ?? 0) ^ 1;
    const lane = frame.type === FrameType.RelayReliable ? 2 : 3;
    return [
      { ...frame, payload: flipped },
      { ...frame, type: lane },
      { ...frame, from: frame.to, to: frame.from },
      frame,
      frame,
    ];
  };
  say(a, 'one');
  say(a, 'two', true);
  say(a, 'three', true);
  clock.advance(100);
  expect(b.received).toEqual(['one', 'two!', 'three!']);
  expect(a.received).toEqual([]);
  expect(b.closed).toEqual([]);
  expect(b.wires[0]?.dropped).toBe(9);
});

test('unreliable packets may come in any order, each once', async () => {
  const { clock, relay, a, b } = await connected();
  const held: Passing[] = [];
  relay.tamper = (frame) => {
    held.push(frame);
    return [];
  };
  for (let i = 0; i < 20; i++) say(a, String(i));
  for (const frame of [...held].reverse()) relay.inject(frame);
  for (const frame of held) relay.inject(frame);
  clock.advance(50);
  expect(b.received).toEqual(Array.from({ length: 20 }, (_, i) => String(19 - i)));
});

test('a reliable packet that the server swallows: both agree anew, on new keys', async () => {
  const { clock, relay, a, b } = await connected();
  relay.tamper = () => [];
  say(a, 'lost', true);
  relay.tamper = (frame) => [frame];
  say(a, 'after', true);
  await clock.advanceAsync(3000);
  expect(b.received).toEqual([]);
  expect(b.closed).toEqual(['the relay lost a packet']);
  expect(a.closed).toEqual(['the other side connected anew']);
  say(a, 'again', true);
  clock.advance(50);
  expect(b.received).toEqual(['again!']);
});

test('a lost socket: wires end, a fresh ticket, new wires; old payloads are worth nothing', async () => {
  const tickets: string[] = [];
  const { clock, relay, a, b } = setup({
    ticket: async () => {
      tickets.push(`t${tickets.length}`);
      return tickets.at(-1) ?? '';
    },
  });
  a.want();
  b.want();
  await clock.advanceAsync(100);
  say(a, 'before');
  clock.advance(50);
  const old = relay.seen.slice();
  relay.cut(11, 'server restarts');
  await clock.advanceAsync(3000);
  expect(a.closed).toEqual(['the relay socket closed: server restarts']);
  expect(new Set(tickets).size).toBe(3);
  expect([a.wires.length, b.wires.length]).toEqual([2, 2]);
  const received = b.received.length;
  for (const frame of old) relay.inject(frame);
  await clock.advanceAsync(3000);
  expect(b.received.length).toBe(received);
  say(a, 'still here', true);
  clock.advance(50);
  expect(b.received.at(-1)).toBe('still here!');
});

test('whatever hellos are replayed, no session key is used twice', async () => {
  const { clock, relay, a, b } = await connected();
  const hellos = relay.seen.filter(({ payload }) => payload[0] === 1);
  const firstByA = async (): Promise<string> => {
    say(a, 'the same text');
    clock.advance(50);
    return Buffer.from(relay.seen.at(-1)?.payload ?? []).toString('hex');
  };
  const sealed = new Set<string>([await firstByA()]);
  for (let round = 1; round <= 3; round++) {
    for (const frame of hellos) relay.inject(frame);
    await clock.advanceAsync(2000);
    relay.cut(22);
    await clock.advanceAsync(3000);
    for (const frame of hellos) relay.inject(frame);
    await clock.advanceAsync(2000);
    sealed.add(await firstByA());
    expect(sealed.size).toBe(round + 1);
  }
  expect(b.received.at(-1)).toBe('the same text');
});

test('a full socket takes no more, and says when it does again', async () => {
  const { clock, relay, a } = await connected();
  relay.buffered = 64 * 1024;
  expect(say(a, 'x', true)).toBe(false);
  clock.advance(100);
  expect(a.writable).toBe(0);
  relay.buffered = 1000;
  clock.advance(100);
  expect(a.writable).toBe(1);
  expect(say(a, 'x', true)).toBe(true);
});

test('no ticket because the lobby is over: the wires fail with that reason, once, and nothing goes on', async () => {
  const { clock, a } = setup({
    ticket: async () => {
      throw new NetError('LOBBY_CLOSED', 'gone');
    },
  });
  a.want();
  await clock.advanceAsync(30_000);
  expect(a.failed.map((error) => error.code)).toEqual(['LOBBY_CLOSED']);
  expect(clock.pendingTimers).toBe(0);
});

test('no ticket for another reason: asked again, ever more slowly, until released', async () => {
  let asked = 0;
  const { clock, a } = setup({
    ticket: async () => {
      asked++;
      throw new NetError('CONNECTION_LOST', 'no server');
    },
  });
  a.want();
  await clock.advanceAsync(30_000);
  expect(asked).toBeGreaterThan(6);
  expect(asked).toBeLessThan(14);
  expect(a.line.trouble).toBe('no server');
  a.line.release(22);
  await clock.advanceAsync(30_000);
  expect(clock.pendingTimers).toBe(0);
});

test('hostile payloads are dropped and counted, and the wire lives', async () => {
  const { clock, relay, a, b } = await connected();
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(1, 2, 3),
      fc.constantFrom(undefined, 1, 2),
      (payload, type, first) => {
        if (first !== undefined && payload.length > 0) payload[0] = first;
        relay.inject({ from: 11, to: 22, type, payload });
      },
    ),
    { numRuns: 300 },
  );
  await clock.advanceAsync(5000);
  say(a, 'fine', true);
  clock.advance(50);
  expect(b.received).toEqual(['fine!']);
});
