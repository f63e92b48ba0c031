import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBase32, fromBase64Url, toBase32, toBase64Url, utf8 } from './index.ts';

const codecs = [
  { name: 'base64url', encode: toBase64Url, decode: fromBase64Url },
  { name: 'base32', encode: toBase32, decode: fromBase32 },
] as const;

describe.each(codecs)('$name', ({ encode, decode }) => {
  test('what is encoded decodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(decode(encode(bytes))).toEqual(bytes);
      }),
    );
  });

  test('any text is refused or is the one spelling of its bytes', () => {
    const nearMiss = fc.string({
      unit: fc.constantFrom(...'abcdefgzAZ0234567-_=+/ \n'),
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearMiss), (text) => {
        const bytes = decode(text);
        if (bytes !== undefined) expect(encode(bytes)).toBe(text);
      }),
    );
  });
});

test('base64url agrees with Node', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
    }),
  );
});

test.each([
  ['', ''],
  ['f', 'my'],
  ['fo', 'mzxq'],
  ['foo', 'mzxw6'],
  ['foob', 'mzxw6yq'],
  ['fooba', 'mzxw6ytb'],
  ['foobar', 'mzxw6ytboi'],
])('RFC 4648 §10: base32 of "%s" is "%s"', (text, encoded) => {
  expect(toBase32(utf8(text))).toBe(encoded);
  expect(fromBase32(encoded)).toEqual(utf8(text));
});

test.each(['A', 'AB==', 'Zh', 'Zm9=', 'Zm 9', 'Zm+v', 'Zm/v', 'Zm9é', '𝒳AAA'])(
  'base64url "%s" is refused',
  (text) => expect(fromBase64Url(text)).toBeUndefined(),
);

test.each(['m', 'mz', 'MY', 'my======', 'm1', 'mzx', 'mzxw6y'])('base32 "%s" is refused', (text) =>
  expect(fromBase32(text)).toBeUndefined(),
);
