import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pcapRecord } from './pcap.ts';
import { WireReader } from './wire-reader.ts';

test('hostile datagrams of every type are a line of text, never an exception', () => {
  const reader = new WireReader();
  const type = fc.oneof(fc.integer({ min: 32, max: 37 }), fc.nat(255));
  fc.assert(
    fc.property(type, fc.uint8Array({ maxLength: 1300 }), (first, rest) => {
      expect(reader.read('peer', Uint8Array.of(first, ...rest)).text).not.toBe('');
    }),
  );
});

test('hostile signals and STUN messages too', () => {
  const reader = new WireReader();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(reader.readSignal(bytes).text).not.toBe('');
      const cookie = [0x00, 0x01, 0x00, bytes.length & 0xfc, 0x21, 0x12, 0xa4, 0x42];
      expect(reader.read('peer', Uint8Array.of(...cookie, ...bytes)).text).not.toBe('');
    }),
  );
});

test('RFC 1071: the checksums of a record add up to all ones, for IPv4 and IPv6', () => {
  const port = fc.nat(65_535);
  const host = fc.constantFrom('127.0.0.1', '203.0.113.9', '::1', '2001:db8::7', '0.0.0.0', '::');
  const payload = fc.uint8Array({ maxLength: 1300 });
  fc.assert(
    fc.property(host, host, port, port, payload, (from, to, fromPort, toPort, bytes) => {
      const record = pcapRecord(
        0,
        { host: from, port: fromPort },
        { host: to, port: toPort },
        bytes,
      );
      const packet = record.subarray(16);
      const isV4 = (packet[0] ?? 0) >> 4 === 4;
      const head = isV4 ? 20 : 40;
      if (isV4) expect(onesSum(packet.subarray(0, head))).toBe(0xffff);
      const udp = packet.subarray(head);
      const addresses = packet.subarray(isV4 ? 12 : 8, head);
      const pseudo = Uint8Array.of(...addresses, 0, 17, udp.length >> 8, udp.length & 0xff);
      expect(onesSum(Uint8Array.of(...pseudo, ...udp))).toBe(0xffff);
    }),
  );
});

/** The one's complement sum that a receiver forms. */
function onesSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}
