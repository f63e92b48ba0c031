import { describe, expect, test } from 'vitest';
import { connected, drain, pass } from '../../test/gns-rig.ts';
import { SendFlag } from '../snp/index.ts';
import { DatagramBatch } from './index.ts';
import { PacketOrder } from './packet-order.ts';

/** A data packet of that number. */
const packet = (number: number): Uint8Array =>
  Uint8Array.of(0x80, 1, 2, 3, 4, number & 0xff, (number >> 8) & 0xff, 9);

describe('which packet is processed when', () => {
  test('in order nothing is held', () => {
    const order = new PacketOrder();
    for (let n = 2; n < 100; n++) expect(order.turnOf(0, packet(n), n - 1, 1)).toBe('now');
    expect(order.until).toBe(Number.POSITIVE_INFINITY);
  });

  test('a swapped pair is put right', () => {
    const order = new PacketOrder();
    expect(order.turnOf(10, packet(7), 5, 1)).toBe('later');
    expect(order.until).toBe(11);
    expect(order.turnOf(10.2, packet(6), 5, 1)).toBe('beforeHeld');
    expect(order.shift()).toEqual(packet(7));
    expect(order.until).toBe(Number.POSITIVE_INFINITY);
  });

  test('several may overtake the held one, across the wrap of the wire number', () => {
    const order = new PacketOrder();
    expect(order.turnOf(0, packet(0x1_0001), 0xfffe, 1)).toBe('later');
    expect(order.turnOf(0, packet(0xffff), 0xfffe, 1)).toBe('now');
    expect(order.turnOf(0, packet(0x1_0000), 0xffff, 1)).toBe('beforeHeld');
  });

  test('one that comes after the held one sends it off: it was lost, not swapped', () => {
    const order = new PacketOrder();
    order.turnOf(0, packet(7), 5, 1);
    expect(order.turnOf(0, packet(8), 5, 1)).toBe('afterHeld');
  });

  test('a leap is not waited for, nor anything with the window shut', () => {
    const order = new PacketOrder();
    expect(order.turnOf(0, packet(50), 5, 1)).toBe('now');
    expect(order.turnOf(0, packet(7), 5, 0)).toBe('now');
    expect(order.turnOf(0, packet(3), 5, 1)).toBe('now');
  });

  test('where packets are lost and never swapped none is held any more, until one is late', () => {
    const order = new PacketOrder();
    let newest = 1;
    const isHeld = (): boolean => {
      const turn = order.turnOf(0, packet(newest + 2), newest, 1);
      newest += 2;
      order.shift();
      return turn === 'later';
    };
    const held = Array.from({ length: 100 }, isHeld).filter(Boolean);
    expect(held).toHaveLength(16);
    expect(order.turnOf(0, packet(newest - 1), newest, 1)).toBe('now');
    expect(isHeld()).toBe(true);
  });
});

describe('between two ends', () => {
  const swapping = { fakeSend: { reorderPercent: 30, reorderMs: 0.4 } };

  function run(outOfOrderCorrectionMs: number): {
    order: number[];
    corrected: number;
    weird: number;
  } {
    const { net, client, connection, incoming } = connected({
      clientOptions: swapping,
      serverOptions: { outOfOrderCorrectionMs },
    });
    const order: number[] = [];
    for (let i = 0; i < 400; i++) {
      connection.snp.send(net.now, Uint8Array.of(i & 0xff), SendFlag.NoNagle);
      client.touch(net.now, connection);
      pass(net, 0.3);
      order.push(...drain(incoming(), net.now).map((m) => m[0] ?? 0));
    }
    pass(net, 100);
    order.push(...drain(incoming(), net.now).map((m) => m[0] ?? 0));
    const { outOfOrder: weird, outOfOrderCorrected: corrected } = incoming().numbers;
    return { order, corrected, weird };
  }

  test('swapped packets come out in order and are not held against the connection', () => {
    const { order, corrected, weird } = run(1);
    expect(order).toEqual(Array.from({ length: 400 }, (_, i) => i & 0xff));
    expect(corrected).toBeGreaterThan(30);
    expect(weird).toBe(0);
  });

  test('without a window they come as they come', () => {
    const { order, corrected, weird } = run(0);
    expect(order).toHaveLength(400);
    expect(corrected).toBe(0);
    expect(weird).toBeGreaterThan(30);
  });

  test('a lost packet delays those after it by the window at most', () => {
    const { net, client, server, connection, incoming } = connected();
    const say = (i: number): void => {
      connection.snp.send(net.now, Uint8Array.of(i), SendFlag.NoNagle);
      client.touch(net.now, connection);
    };
    say(1);
    client.pollTransmit(); // lost
    say(2);
    const second = client.pollTransmit();
    if (second) server.handleDatagram(net.now, 'a', second.bytes);
    expect(drain(incoming(), net.now)).toEqual([]);
    expect(server.pollTimeout()).toBeLessThanOrEqual(net.now + 1);
    server.fill(net.now, new DatagramBatch<string>(8));
    expect(server.pollTimeout()).toBeCloseTo(net.now + 1, 3);
    server.handleTimeout(net.now + 1);
    expect(drain(incoming(), net.now)).toEqual([Uint8Array.of(2)]);
  });
});
