import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import { FrameKind, FrameReader, FrameWriter, nearestWithLowBits, SendFlag, Snp } from './index.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

function read(hex: string): FrameReader[] {
  const reader = new FrameReader();
  const frames: FrameReader[] = [];
  reader.reset(bytes(hex));
  while (reader.next() !== FrameKind.End) frames.push(Object.assign(new FrameReader(), reader));
  return frames;
}

describe('reading', () => {
  test.each([
    ['8007', { kind: FrameKind.StopWaiting, stopWaitingOffset: 7 }],
    ['810102', { kind: FrameKind.StopWaiting, stopWaitingOffset: 0x0201 }],
    ['82010203', { kind: FrameKind.StopWaiting, stopWaitingOffset: 0x030201 }],
    ['830100000001000000', { kind: FrameKind.StopWaiting, stopWaitingOffset: 2 ** 32 + 1 }],
    ['980a00ffff', { kind: FrameKind.Ack, latest: 10, latestBits: 16, ackDelay: 0xffff }],
    ['900a0000000100', { kind: FrameKind.Ack, latest: 10, latestBits: 32, ackDelay: 1 }],
    ['88', { kind: FrameKind.SelectLane, lane: 1 }],
    ['8e', { kind: FrameKind.SelectLane, lane: 7 }],
    ['8f08', { kind: FrameKind.SelectLane, lane: 8 }],
    ['8fff01', { kind: FrameKind.SelectLane, lane: 255 }],
    [
      '270500aabb',
      {
        kind: FrameKind.Unreliable,
        messageNumber: 5,
        messageNumberBits: 16,
        start: 3,
        end: 5,
        isLastSegment: true,
      },
    ],
    ['5f', undefined],
    [
      '570100000000004141',
      { kind: FrameKind.Reliable, position: 1, positionBits: 48, start: 7, end: 9 },
    ],
    ['47010000', { kind: FrameKind.Reliable, position: 1, positionBits: 24, start: 4, end: 4 }],
  ])('%s', (hex, expected) => {
    if (expected === undefined) expect(() => read(hex)).toThrow(DecodeError);
    else expect(read(hex)[0]).toMatchObject(expected);
  });

  test('sizes, steps and gaps of later segments depend on the first', () => {
    // lane 0: message 1 whole, its size in the frame; message 2; then a step of 3 to the end
    expect(read('3001000000' + '02aabb' + '2001cc' + '3703dd')).toMatchObject([
      { messageNumberBits: 32, messageNumber: 1, start: 6, end: 8 },
      { messageNumberBits: 0, messageNumber: 1, start: 10, end: 11 },
      { messageNumberBits: 0, messageNumber: 3, start: 13, end: 14 },
    ]);
    // reliable: 48 bits, then gaps of none, 8, 16 and 32 bits
    const reliable =
      '50010000000000' + '01aa' + '4001bb' + '48ff01cc' + '50000101dd' + '5f00000100ee';
    expect(read(reliable).map((f) => [f.positionBits, f.position])).toEqual([
      [48, 1],
      [0, 0],
      [0, 0xff],
      [0, 0x100],
      [0, 0x10000],
    ]);
  });

  test('a lane selection forgets both contexts', () => {
    expect(read('2001000100' + '88' + '27020000')).toMatchObject([
      { messageNumberBits: 16 },
      { kind: FrameKind.SelectLane },
      { messageNumberBits: 16, messageNumber: 2 },
    ]);
  });

  test.each(['60', '84', '87', 'a0', 'ff', '0501000000', '0601000000', '8f8002'])(
    'lead or size %s does not exist',
    (hex) => expect(() => read(hex)).toThrow(DecodeError),
  );

  test('ack blocks: nibbles, then upper bits, acks before nacks', () => {
    const reader = new FrameReader();
    reader.reset(bytes('9a0a000000' + '12' + 'b9' + '0203'));
    expect(reader.next()).toBe(FrameKind.Ack);
    expect(reader.ackBlocks).toBe(2);
    reader.nextAckBlock();
    expect([reader.ackCount, reader.nackCount]).toEqual([1, 2]);
    reader.nextAckBlock();
    expect([reader.ackCount, reader.nackCount]).toEqual([2 * 8 + 3, 3 * 8 + 1]);
    expect(reader.next()).toBe(FrameKind.End);
  });

  test('any bytes end in a finite number of frames or a DecodeError', () => {
    const reader = new FrameReader();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1300 }), (input) => {
        reader.reset(input);
        try {
          for (let frames = 0; reader.next() !== FrameKind.End; frames++) {
            expect(frames).toBeLessThanOrEqual(input.length);
            const isSegment =
              reader.kind === FrameKind.Reliable || reader.kind === FrameKind.Unreliable;
            if (isSegment) expect(reader.end).toBeLessThanOrEqual(input.length);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('writing', () => {
  const frame = fc.oneof(
    fc.record({ type: fc.constant('wait' as const), value: fc.nat({ max: 2 ** 31 - 1 }) }),
    fc.record({
      type: fc.constant('ack' as const),
      latest: fc.nat({ max: 0xffff }),
      delay: fc.nat({ max: 0xffff }),
      blocks: fc.array(fc.tuple(fc.nat({ max: 90_000 }), fc.nat({ max: 90_000 })), {
        maxLength: 20,
      }),
    }),
  );

  test('what is written is read again', () => {
    const buffer = new Uint8Array(4000);
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), (frames) => {
        const writer = new FrameWriter();
        writer.reset(buffer, 0, buffer.length);
        for (const f of frames) {
          if (f.type === 'wait') writer.stopWaiting(f.value);
          else {
            writer.ack(f.latest, f.delay, f.blocks.length);
            for (const [ack, nack] of f.blocks) writer.ackBlock(ack, nack);
          }
        }
        const reader = new FrameReader();
        reader.reset(buffer, writer.at);
        for (const f of frames) {
          const kind = reader.next();
          if (f.type === 'wait') {
            expect([kind, reader.stopWaitingOffset]).toEqual([FrameKind.StopWaiting, f.value]);
            continue;
          }
          expect([kind, reader.latest, reader.ackDelay]).toEqual([
            FrameKind.Ack,
            f.latest,
            f.delay,
          ]);
          const blocks = f.blocks.map(() => {
            reader.nextAckBlock();
            return [reader.ackCount, reader.nackCount];
          });
          expect(blocks).toEqual(f.blocks);
        }
        expect(reader.next()).toBe(FrameKind.End);
      }),
    );
  });
});

test('a number with some low bits is the nearest one', () => {
  expect(nearestWithLowBits(0x0001, 16, 0x1_ffff)).toBe(0x2_0001);
  expect(nearestWithLowBits(0xffff, 16, 0x2_0001)).toBe(0x1_ffff);
  fc.assert(
    fc.property(
      fc.nat({ max: 2 ** 31 - 1 }),
      fc.integer({ min: -32_767, max: 32_767 }),
      (near, off) => {
        const number = near + 100_000 + off;
        expect(nearestWithLowBits(number % 0x1_0000, 16, near + 100_000)).toBe(number);
      },
    ),
  );
});

describe('a friendly key, hostile frames', () => {
  /** A conversation under way, then whatever the peer makes up. */
  function peer(): Snp {
    const snp = new Snp(0, {
      receiveBufferBytes: 65_536,
      maxMessageBytes: 65_536,
      reassemblyBytes: 200_000,
    });
    snp.start(0, 1);
    snp.isOpen = true;
    for (let i = 0; i < 20; i++)
      snp.send(0, new Uint8Array(700), SendFlag.Reliable | SendFlag.NoNagle);
    const buffer = new Uint8Array(1232);
    for (let n = 2; n < 12; n++) {
      snp.writePacket(0, n, buffer, 0, 1232);
      snp.sent(0);
    }
    return snp;
  }

  const varint = fc.oneof(
    fc.nat({ max: 300 }).map((n) => (n < 128 ? [n] : [(n & 127) | 128, n >> 7])),
    fc.constant([255, 255, 255, 255, 15]),
  );
  const piece = fc.uint8Array({ maxLength: 60 }).map((b) => [...b]);
  const plausible = fc.oneof(
    fc
      .tuple(fc.constantFrom(0x80, 0x81, 0x82), piece)
      .map(([t, b]) => [t, ...b.slice(0, (t & 3) + 1)]),
    fc
      .tuple(fc.nat({ max: 7 }), fc.nat({ max: 20 }), piece)
      .map(([n, latest, b]) => [0x98 | n, latest, 0, 1, 0, ...b.slice(0, n)]),
    fc
      .tuple(fc.constantFrom(0x40, 0x48, 0x50), piece, fc.nat({ max: 50 }))
      .map(([t, b, size]) => [
        t,
        ...b.slice(0, t === 0x50 ? 6 : 3),
        size,
        ...new Array(size).fill(0x3f),
      ]),
    fc
      .tuple(fc.constantFrom(0x00, 0x20, 0x08, 0x38), piece, varint)
      .map(([t, b, v]) => [t, ...b.slice(0, 2), ...v, 3, 1, 2, 3]),
    fc.tuple(fc.constantFrom(0x88, 0x8f), varint).map(([t, v]) => [t, ...(t === 0x8f ? v : [])]),
    piece,
  );

  test('no crash, no hang, no growth: only a verdict', () => {
    const packets = fc.array(fc.array(plausible, { maxLength: 6 }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(packets, (made) => {
        const snp = peer();
        try {
          for (const [i, frames] of made.entries()) {
            const packet = Uint8Array.from(frames.flat()).slice(0, 1300);
            snp.handlePacket(i, 2 + i * 3, 12, packet, packet.length);
            snp.nextSendAt(i);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
        let held = 0;
        for (let m = snp.receive(50); m; m = snp.receive(50)) held += m.bytes.length;
        expect(held).toBeLessThanOrEqual(200_000 + 65_536);
        const { pendingReliableBytes, sentUnackedReliableBytes } = snp.stats();
        expect(pendingReliableBytes + sentUnackedReliableBytes).toBeLessThanOrEqual(20 * 703);
        expect(Math.min(pendingReliableBytes, sentUnackedReliableBytes)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a stop-waiting that goes back', ['', '8000', '8005'], 'stop waiting reduced'],
    ['a reliable message over the limit', ['57010000000000' + '20ffffffff0f'], 'message size'],
    ['a jump of message numbers', ['57010000000000' + '60' + 'c1843d' + '00'], 'lurch'],
    ['a stream position of 0', ['57000000000000aa'], 'stream position'],
    ['an unreliable number under 1', ['270000aa'], 'message number'],
    ['acks below packet 0', ['990300000070'], 'ack range'],
  ])('%s ends the connection', (_what, packets, message) => {
    const snp = peer();
    expect(() => {
      for (const [i, hex] of packets.entries()) {
        const packet = bytes(hex);
        snp.handlePacket(i, 20 + i, 12, packet, packet.length);
      }
    }).toThrow(message);
  });

  test('an ack of what was never sent discards the packet, as GNS does', () => {
    const packet = bytes('980c00ffff');
    expect(peer().handlePacket(0, 2, 12, packet, packet.length)).toBe(false);
  });

  test('more segments than are taken: the packet is not acknowledged', () => {
    const snp = new Snp(0, { maxSegmentsPerPacket: 2 });
    snp.start(0, 1);
    snp.isOpen = true;
    const packet = bytes('200100' + '0141' + '200142' + '200143');
    snp.handlePacket(0, 2, 2, packet, packet.length);
    expect(snp.receive(0)?.bytes).toEqual(Uint8Array.of(0x41));
    expect(snp.receive(0)?.bytes).toEqual(Uint8Array.of(0x42));
    expect(snp.receive(0)).toBeUndefined();
    const buffer = new Uint8Array(100);
    snp.writePacket(0, 2, buffer, 0, 100, true);
    expect(buffer.slice(2, 5)).toEqual(Uint8Array.of(0x98, 1, 0));
  });

  test('sixty-two holes are remembered, more are merged', () => {
    const snp = new Snp(0);
    snp.start(0, 1);
    snp.isOpen = true;
    const packet = bytes('270100aa');
    for (let n = 3; n < 1000; n += 2) snp.handlePacket(n, n, 2, packet, packet.length);
    const buffer = new Uint8Array(1232);
    const length = snp.writePacket(2000, 2, buffer, 0, 1232);
    const reader = new FrameReader();
    reader.reset(buffer, length);
    reader.next();
    expect(reader.next()).toBe(FrameKind.Ack);
    expect(reader.latest).toBe(999);
    expect(reader.ackBlocks).toBeLessThanOrEqual(62);
  });
});
