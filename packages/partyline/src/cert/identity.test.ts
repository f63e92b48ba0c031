import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseIdentity, printIdentity } from './index.ts';

test.each([
  'str:probe',
  'str:gabcdefghijklmnopqrstuvwxyz2',
  `str:${'a'.repeat(31)}`,
  'str:a:b',
  'str:é',
  'gen:00ff',
  `gen:${'ab'.repeat(32)}`,
  'ip:1.2.3.4',
  'ip:1.2.3.4:27015',
  'ip:::1',
  'ip:[2001:db8::1]:27015',
  'steamid:76561197960265729',
  'steamid:18446744073709551615',
])('%s is printed as it was parsed', (text) => {
  const identity = parseIdentity(text);
  expect(identity && printIdentity(identity)).toBe(text);
});

test.each([
  ['gen:ABCD', 'gen:abcd'],
  ['ip:[::1]', 'ip:::1'],
  ['ip:[::1]:0', 'ip:::1'],
  ['ip:::ffff:1.2.3.4', 'ip:1.2.3.4'],
  ['ip:2001:DB8:0:0:0:0:0:1', 'ip:2001:db8::1'],
])('%s has the one spelling %s', (text, printed) => {
  const identity = parseIdentity(text);
  expect(identity && printIdentity(identity)).toBe(printed);
});

test.each([
  ...['', 'str', 'str:', `str:${'a'.repeat(32)}`, `str:${'é'.repeat(16)}`, 'str:a\nb', 'STR:a'],
  ...['gen:', 'gen:a', 'gen:xy', `gen:${'ab'.repeat(33)}`],
  ...['ip:', 'ip:1.2.3', 'ip:1.2.3.4:65536', 'ip:1.2.3.4:', 'ip:[1.2.3.4]:5', 'ip:[::1', 'ip:::1]'],
  ...['steamid:', 'steamid:0', 'steamid:01', 'steamid:-1', 'steamid:18446744073709551616'],
  ...['psn:1', 'unknown'],
])('"%s" is not an identity', (text) => {
  expect(parseIdentity(text)).toBeUndefined();
});

test('any text is refused or has one spelling, which parses to the same', () => {
  const form = fc.constantFrom('str:', 'gen:', 'ip:', 'steamid:');
  const rest = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF') }),
    fc.ipV4(),
    fc.ipV6(),
    fc.nat().map(String),
  );
  fc.assert(
    fc.property(form, rest, (prefix, value) => {
      const identity = parseIdentity(prefix + value);
      if (identity === undefined) return;
      expect(parseIdentity(printIdentity(identity))).toEqual(identity);
    }),
    { numRuns: 500 },
  );
});
