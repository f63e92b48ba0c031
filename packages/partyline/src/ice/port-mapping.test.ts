import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter, DecodeError, parseIp } from '../base/index.ts';
import { seededBytes } from '../testing/index.ts';
import { PortMapper, type PortMapperEvent } from './port-mapper.ts';
import { decodePortMapping, encodePcpMap, encodePmpAddress, encodePmpMap } from './port-mapping.ts';

const router = { host: '192.168.0.1', port: 5351 };
const client = { host: '192.168.0.2', port: 40_000 };
const crypto = { randomBytes: seededBytes(3) };
const external = { host: '203.0.113.9', port: 40_001 };

/** What a router answers to a PCP request. */
function pcpAnswer(request: Uint8Array, result = 0, lifetimeSec = 3600): Uint8Array {
  const outer = new Uint8Array(16);
  outer.fill(0xff, 10, 12);
  outer.set(parseIp(external.host) ?? [], 12);
  const head = new ByteWriter().u8(2).u8(0x81).u8(0).u8(result).u32be(lifetimeSec);
  head.bytes(new Uint8Array(16)).bytes(request.subarray(24, 36)).u8(17).bytes(new Uint8Array(3));
  return head.u16be(client.port).u16be(external.port).bytes(outer).finish();
}

const pmpAddress = (): Uint8Array =>
  new ByteWriter()
    .u8(0)
    .u8(128)
    .u16be(0)
    .u32be(1)
    .bytes(Uint8Array.of(203, 0, 113, 9))
    .finish();
const pmpMapping = (result = 0): Uint8Array =>
  new ByteWriter()
    .u8(0)
    .u8(129)
    .u16be(result)
    .u32be(1)
    .u16be(client.port)
    .u16be(external.port)
    .u32be(3600)
    .finish();

function open(): { mapper: PortMapper; asked: () => Uint8Array[]; told: () => PortMapperEvent[] } {
  const mapper = new PortMapper(0, router.host, client, crypto);
  return {
    mapper,
    asked: () => {
      const all: Uint8Array[] = [];
      for (let t = mapper.pollTransmit(); t !== undefined; t = mapper.pollTransmit()) {
        expect(t.to).toEqual(router);
        all.push(t.bytes);
      }
      return all;
    },
    told: () => {
      const all: PortMapperEvent[] = [];
      for (let e = mapper.pollEvent(); e !== undefined; e = mapper.pollEvent()) all.push(e);
      return all;
    },
  };
}

test('RFC 6887 §11.1: a MAP request is 60 bytes; RFC 6886 §3: 2 and 12', () => {
  const { asked } = open();
  const [pcp, address, mapping] = asked();
  expect(pcp?.length).toBe(60);
  expect([...(pcp ?? []).slice(0, 8)]).toEqual([2, 1, 0, 0, 0, 0, 14, 16]);
  expect([...(pcp ?? []).slice(8, 24)]).toEqual([
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 2,
  ]);
  expect([...(address ?? [])]).toEqual([0, 0]);
  expect([...(mapping ?? [])]).toEqual([0, 1, 0, 0, 156, 64, 156, 64, 0, 0, 14, 16]);
});

describe('a router that knows PCP', () => {
  test('maps; it is renewed at half of its time', () => {
    const { mapper, asked, told } = open();
    const [request = new Uint8Array()] = asked();
    mapper.handleDatagram(5, router, pcpAnswer(request));
    expect(told()).toEqual([{ type: 'mapped', external }]);
    expect(mapper.pollTimeout()).toBe(5 + 1_800_000);
    mapper.handleTimeout(1_800_005);
    const again = asked();
    expect(again).toEqual([request]); // and NAT-PMP is not asked any more
    mapper.handleDatagram(1_800_010, router, pcpAnswer(request));
    expect(told()).toEqual([]);
  });

  test('RFC 6887 §15: a lifetime of nothing is not renewed at once', () => {
    const { mapper, asked } = open();
    const [request = new Uint8Array()] = asked();
    mapper.handleDatagram(0, router, pcpAnswer(request, 0, 1));
    expect(mapper.pollTimeout()).toBe(30_000);
  });

  test('an answer from elsewhere, or with another nonce, is not heard', () => {
    const { mapper, asked, told } = open();
    const [request = new Uint8Array()] = asked();
    mapper.handleDatagram(0, { ...router, host: '192.168.0.3' }, pcpAnswer(request));
    mapper.handleDatagram(0, router, pcpAnswer(request.map((byte) => byte ^ 1)));
    expect(told()).toEqual([]);
  });

  test('a renewal without an answer: the port is not mapped any more', () => {
    const { mapper, asked, told } = open();
    const [request = new Uint8Array()] = asked();
    mapper.handleDatagram(0, router, pcpAnswer(request));
    told();
    for (
      let at = mapper.pollTimeout();
      at !== undefined && at < 2_000_000;
      at = mapper.pollTimeout()
    ) {
      mapper.handleTimeout(at);
    }
    expect(told()).toEqual([{ type: 'unmapped' }]);
  });

  test('RFC 6887 §11.5: closing gives it back', () => {
    const { mapper, asked } = open();
    const [request = new Uint8Array()] = asked();
    mapper.handleDatagram(0, router, pcpAnswer(request));
    mapper.close();
    const [last, ...more] = asked();
    expect([...(last ?? []).slice(4, 8)]).toEqual([0, 0, 0, 0]);
    expect(more).toEqual([]);
    expect(mapper.pollTimeout()).toBeUndefined();
  });
});

test('RFC 6886 §3: a router that knows NAT-PMP alone', () => {
  const { mapper, asked, told } = open();
  asked();
  mapper.handleDatagram(1, router, Uint8Array.of(0, 0x81, 0, 1, 0, 0, 0, 0)); // RFC 6886 §3.5
  mapper.handleDatagram(2, router, pmpAddress());
  mapper.handleDatagram(3, router, pmpMapping());
  expect(told()).toEqual([{ type: 'mapped', external }]);
  mapper.close();
  expect(asked().map((bytes) => [...bytes])).toEqual([[0, 1, 0, 0, 156, 64, 0, 0, 0, 0, 0, 0]]);
});

test('nobody answers: five times, then every five minutes', () => {
  const { mapper, asked } = open();
  const at: number[] = [0];
  asked();
  for (
    let due = mapper.pollTimeout();
    due !== undefined && due < 310_000;
    due = mapper.pollTimeout()
  ) {
    mapper.handleTimeout(due);
    if (asked().length > 0) at.push(due);
  }
  expect(at).toEqual([0, 250, 750, 1750, 3750, 307_750, 308_000, 308_500, 309_500]);
});

test('a refusal by both ends it for five minutes', () => {
  const { mapper, asked, told } = open();
  const [request = new Uint8Array()] = asked();
  mapper.handleDatagram(0, router, pcpAnswer(request, 2));
  mapper.handleDatagram(0, router, pmpMapping(2));
  expect(told()).toEqual([]);
  expect(mapper.pollTimeout()).toBe(300_000);
});

test('hostile bytes give only DecodeError', () => {
  const head = fc.constantFrom([2, 0x81], [0, 128], [0, 129], [2, 0x80], []);
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 80 }), (start, rest) => {
      try {
        decodePortMapping(Uint8Array.of(...start, ...rest));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 500 },
  );
});

test('requests are not taken for responses', () => {
  const nonce = new Uint8Array(12);
  const { host, port } = client;
  const requests = [
    encodePcpMap({ client: host, port, lifetimeSec: 1, nonce }),
    encodePmpAddress(),
    encodePmpMap(port, 1),
  ];
  for (const bytes of requests) expect(decodePortMapping(bytes)).toBeUndefined();
});
