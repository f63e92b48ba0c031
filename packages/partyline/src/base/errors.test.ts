import { expect, test } from 'vitest';
import { DecodeError, isNetError, NetError } from './index.ts';

test('a NetError is known by its code', () => {
  const error = new NetError('LOBBY_UNAVAILABLE', 'no such lobby', { cause: 'why' });
  expect(isNetError(error)).toBe(true);
  expect(isNetError(error, 'LOBBY_UNAVAILABLE')).toBe(true);
  expect(isNetError(error, 'LOBBY_NOT_MEMBER')).toBe(false);
  expect(error).toMatchObject({ name: 'NetError', cause: 'why', retryAfterMs: undefined });
});

test('one of another copy of the package is known too', () => {
  const foreign = Object.assign(new Error('slow down'), { code: 'RATE_LIMITED' });
  expect(isNetError(foreign, 'RATE_LIMITED')).toBe(true);
});

test.each([
  ['an error of the machine', Object.assign(new Error('x'), { code: 'ECONNREFUSED' })],
  ['a name that every object has', Object.assign(new Error('x'), { code: 'constructor' })],
  ['a code that is no text', Object.assign(new Error('x'), { code: 7 })],
  ['an error without code', new Error('x')],
  ['no error', { code: 'RATE_LIMITED' }],
  ['nothing', undefined],
])('%s is no NetError', (_, value) => {
  expect(isNetError(value)).toBe(false);
});

test('a DecodeError says what and where', () => {
  const error = new DecodeError('WIRE_TRUNCATED', 'port needs 2 bytes', 7);
  expect(error).toMatchObject({ name: 'DecodeError', code: 'WIRE_TRUNCATED', offset: 7 });
  expect(error.message).toBe('port needs 2 bytes at byte 7');
  expect(isNetError(error)).toBe(true);
});

test('waiting is told with RATE_LIMITED', () => {
  expect(new NetError('RATE_LIMITED', 'wait', { retryAfterMs: 250 }).retryAfterMs).toBe(250);
});
