import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nobleLegacy } from './index.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

test('RFC 1321 §A.5 and RFC 2202 §3', () => {
  expect(hex(nobleLegacy.md5(ascii('abc')))).toBe('900150983cd24fb0d6963f7d28e17f72');
  const mac = nobleLegacy.hmacSha1(ascii('Jefe'), ascii('what do ya want for nothing?'));
  expect(hex(mac)).toBe('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79');
});

test('as node:crypto has them, for any bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(bytes, bytes, (key, text) => {
      expect(hex(nobleLegacy.md5(text))).toBe(createHash('md5').update(text).digest('hex'));
      const mac = createHmac('sha1', key).update(text).digest('hex');
      expect(hex(nobleLegacy.hmacSha1(key, text))).toBe(mac);
    }),
  );
});
