import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIp, printIp, unmapIp } from './index.ts';

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ['::ffff:0102:0304', '::ffff:1.2.3.4'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
])('RFC 5952: %s is printed %s', (text, printed) => {
  expect(printIp(parseIp(text) ?? new Uint8Array(4))).toBe(printed);
});

test.each([
  ...['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4 ', 'a.b.c.d', '0x1.2.3.4'],
  ...[':', ':::', '1:2', '1::2::3', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '::12345', '::g'],
  ...['fe80::1%eth0', '1.2.3.4::', '::1.2.3.4:5', '[::1]', '1:2:3:4:5:6:7:', ':1:2:3:4:5:6:7'],
])('"%s" is not an address', (text) => {
  expect(parseIp(text)).toBeUndefined();
});

test('what is printed parses to the same bytes', () => {
  const sparse = fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 });
  const ipv6 = fc.oneof(fc.uint8Array({ minLength: 16, maxLength: 16 }), sparse);
  const any = fc.oneof(ipv6, fc.uint8Array({ minLength: 4, maxLength: 4 }));
  fc.assert(
    fc.property(any, (raw) => {
      const bytes = Uint8Array.from(raw);
      expect(parseIp(printIp(bytes))).toEqual(bytes);
    }),
  );
});

test('any text is refused unless Node takes it for an address too', () => {
  const text = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.'), maxLength: 24 });
  fc.assert(
    fc.property(fc.oneof(text, fc.ipV6(), fc.ipV4()), (address) => {
      expect(parseIp(address) !== undefined).toBe(isIP(address) !== 0);
    }),
    { numRuns: 1000 },
  );
});

test('a mapped address is unmapped, another is left alone', () => {
  expect(unmapIp(parseIp('::ffff:9.8.7.6') ?? new Uint8Array())).toEqual(Uint8Array.of(9, 8, 7, 6));
  expect(unmapIp(Uint8Array.of(1, 2, 3, 4))).toEqual(Uint8Array.of(1, 2, 3, 4));
  expect(unmapIp(new Uint8Array(16))).toHaveLength(16);
});
