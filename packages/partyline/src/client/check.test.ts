import { expect, test } from 'vitest';
import {
  flag,
  integer,
  list,
  maybe,
  nullable,
  number,
  object,
  oneOf,
  record,
  text,
  variants,
} from './check.ts';

test.each([
  [flag, [true, false], [0, 'true', null, undefined]],
  [number, [0, -1.5, 1e300], ['1', null]],
  [integer(1, 3), [1, 3], [0, 4, 1.5, Number.NaN, Infinity, '1', 2n]],
  [text(3, /^[a-z]*$/, 1), ['a', 'abc'], ['', 'abcd', 'A', 1, null]],
  [oneOf('a', 'b'), ['a', 'b'], ['c', 0, undefined]],
  [maybe(flag), [true, undefined], [null, 1]],
  [nullable(flag), [true, null], [undefined, 1]],
  [list(flag, 2), [[], [true, false]], [[1], [true, true, true], {}, 'ab', { length: 1 }]],
  [list(flag, 2, 1), [[true]], [[], [true, true, true]]],
  [record(text(1), flag), [{}, { a: true }], [{ ab: true }, { a: 1 }, [], null]],
  [object({ a: flag }), [{ a: true }, { a: true, more: 1 }], [{}, { a: 1 }, null, [], 'a']],
  [
    variants({ x: { a: flag } }),
    [{ type: 'x', a: true }],
    [{ type: 'y', a: true }, { a: true }, null],
  ],
] as const)('check %#: what is right passes, what is wrong does not', (check, right, wrong) => {
  for (const value of right) expect(check(value)).toBeUndefined();
  for (const value of wrong) expect(check(value)).toBeTypeOf('string');
});

test('the place of a wrong value is its path', () => {
  const check = object({ members: list(object({ data: record(text(), integer()) })) });
  expect(check({ members: [{ data: {} }, { data: { a: 1, b: 'x' } }] })).toBe('.members[1].data.b');
});

test('what every object inherits is no field of it', () => {
  const check = object({ constructor: maybe(flag), toString: maybe(flag) });
  expect(check({})).toBeUndefined();
  expect(variants({ x: {} })({ type: 'constructor' })).toBe('.type');
});
