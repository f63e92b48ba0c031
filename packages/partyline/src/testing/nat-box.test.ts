import { describe, expect, test } from 'vitest';
import { NatBox, type NatBoxOptions, type NatKind, natKinds } from './nat-box.ts';
import { SimInternet } from './sim-internet.ts';
import { VirtualClock } from './virtual-clock.ts';

const inner = { host: '192.168.0.2', port: 5000 };
const host = '198.51.100.1';
const peer = { host: '203.0.113.1', port: 1000 };
const sameHost = { host: '203.0.113.1', port: 1001 };
const other = { host: '203.0.113.2', port: 1000 };

function nat(kind: NatKind, more: Partial<NatBoxOptions> = {}): NatBox {
  return new NatBox({ host, ...natKinds[kind], ...more });
}

describe('RFC 4787 §4.1, mapping', () => {
  test.each(['full-cone', 'restricted-cone', 'port-restricted'] as const)(
    '%s: one outer address for all destinations',
    (kind) => {
      const box = nat(kind);
      const mapped = box.outbound(0, inner, peer);
      expect(box.outbound(0, inner, sameHost)).toEqual(mapped);
      expect(box.outbound(0, inner, other)).toEqual(mapped);
    },
  );

  test('symmetric: another port for each destination, the same for the same', () => {
    const box = nat('symmetric');
    const ports = [peer, sameHost, other].map((to) => box.outbound(0, inner, to)?.port);
    expect(new Set(ports).size).toBe(3);
    expect(box.outbound(0, inner, peer)?.port).toBe(ports[0]);
  });

  test('address-dependent: another port for each host', () => {
    const box = nat('full-cone', { mapping: 'address' });
    const mapped = box.outbound(0, inner, peer);
    expect(box.outbound(0, inner, sameHost)).toEqual(mapped);
    expect(box.outbound(0, inner, other)).not.toEqual(mapped);
  });
});

describe('RFC 4787 §5, filtering', () => {
  test.each([
    ['full-cone', true, true],
    ['restricted-cone', true, false],
    ['port-restricted', false, false],
    ['symmetric', false, false],
  ] as const)('%s: same host %s, others %s', (kind, fromSameHost, fromOthers) => {
    const box = nat(kind);
    const mapped = box.outbound(0, inner, peer);
    if (mapped === undefined) throw new Error('blocked');
    expect(box.inbound(0, peer, mapped)).toEqual(inner);
    expect(box.inbound(0, sameHost, mapped)).toEqual(fromSameHost ? inner : undefined);
    expect(box.inbound(0, other, mapped)).toEqual(fromOthers ? inner : undefined);
  });

  test('nothing comes in before something went out', () => {
    expect(nat('full-cone').inbound(0, peer, { host, port: 5000 })).toBeUndefined();
  });

  test('udp-blocked: nothing goes out', () => {
    expect(nat('udp-blocked').outbound(0, inner, peer)).toBeUndefined();
  });
});

test('RFC 4787 §4.2.1: keeps the port where it is free', () => {
  const box = nat('port-restricted');
  expect(box.outbound(0, inner, peer)?.port).toBe(5000);
  const second = box.outbound(0, { host: '192.168.0.3', port: 5000 }, peer);
  expect(second?.port).not.toBe(5000);
});

test('a mapping ends when nothing was sent from inside for its time; what comes in does not count', () => {
  const box = nat('full-cone', { mappingTimeoutMs: 1000 });
  const mapped = box.outbound(0, inner, peer);
  if (mapped === undefined) throw new Error('blocked');
  expect(box.inbound(999, peer, mapped)).toEqual(inner);
  expect(box.inbound(1000, peer, mapped)).toBeUndefined();
  expect(box.mappings(1000)).toBe(0);
});

test('after a rebind the old outer address leads nowhere', () => {
  const box = nat('full-cone');
  const before = box.outbound(0, inner, peer);
  if (before === undefined) throw new Error('blocked');
  box.rebind();
  expect(box.inbound(0, peer, before)).toBeUndefined();
  expect(box.outbound(0, inner, peer)?.port).not.toBe(before.port);
  box.rebind('198.51.100.9');
  expect(box.outbound(0, inner, peer)?.host).toBe('198.51.100.9');
});

describe('in the simulated internet', () => {
  function world(hairpin: boolean) {
    const clock = new VirtualClock();
    const internet = new SimInternet(clock, { latencyMs: 10 });
    const lan = internet.lan(nat('full-cone', { hairpin }));
    const heard: string[] = [];
    const receive = (from: { host: string; port: number }): void => {
      heard.push(`${from.host}:${from.port}`);
    };
    return { clock, internet, lan, heard, receive };
  }

  test('an answer finds its way through two NATs, one in the other', () => {
    const { clock, internet, lan, heard, receive } = world(false);
    const innerLan = internet.lan(new NatBox({ host: '192.168.0.50' }), lan);
    const server = internet.host('203.0.113.1').open('203.0.113.1', 53, (from, bytes) => {
      server.send(from, bytes);
    });
    const socket = innerLan.host('10.0.0.2').open('10.0.0.2', 5000, receive);
    socket.send(server.address, new Uint8Array(1));
    clock.runAll();
    expect(heard).toEqual(['203.0.113.1:53']);
  });

  test.each([true, false])('hairpin %s: neighbours by their outer addresses', (hairpin) => {
    const { clock, internet, lan, heard, receive } = world(hairpin);
    const server = internet.host('203.0.113.1').open('203.0.113.1', 53, () => {});
    const a = lan.host('192.168.0.2').open('192.168.0.2', 5000, receive);
    const b = lan.host('192.168.0.3').open('192.168.0.3', 6000, () => {});
    a.send(server.address, new Uint8Array(1));
    b.send({ host, port: 5000 }, new Uint8Array(1));
    clock.runAll();
    // RFC 4787 §6: the sender is shown under its outer address.
    expect(heard).toEqual(hairpin ? [`${host}:6000`] : []);
  });

  test('neighbours reach each other without the NAT', () => {
    const { clock, lan, heard, receive } = world(false);
    const a = lan.host('192.168.0.2').open('192.168.0.2', 5000, receive);
    const b = lan.host('192.168.0.3').open('192.168.0.3', 6000, () => {});
    b.send(a.address, new Uint8Array(1));
    clock.runAll();
    expect(heard).toEqual(['192.168.0.3:6000']);
  });

  test('loss and duplicates come in the given shares', () => {
    const { clock, internet, lan, heard, receive } = world(false);
    internet.conditions = { loss: 0.2, duplicate: 0.1 };
    const a = lan.host('192.168.0.2').open('192.168.0.2', 5000, receive);
    const b = lan.host('192.168.0.3').open('192.168.0.3', 6000, () => {});
    for (let i = 0; i < 2000; i++) b.send(a.address, new Uint8Array(1));
    clock.runAll();
    expect(heard.length / 2000).toBeCloseTo(0.88, 1);
  });
});
