import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

test('a code is enough', () => {
  expect(readOptions(['ABC234'])).toEqual({
    target: 'ABC234',
    server: 'http://127.0.0.1:7777',
    app: 'arena',
    name: 'Bot',
    ticks: undefined,
    json: false,
  });
});

test('a link says where its server is, and --server says it louder', () => {
  const link = 'http://play.test:8080/arena/#join=ABC234';
  expect(readOptions([link])).toMatchObject({ server: 'http://play.test:8080', target: link });
  expect(readOptions([link, '--server', 'http://b.test'])).toMatchObject({
    server: 'http://b.test',
  });
});

test.each([
  [[], 'Which lobby'],
  [['A', 'B'], 'Which lobby'],
  [['A', '--ticks', '0'], '--ticks'],
  [['A', '--ticks', '1.5'], '--ticks'],
  [['A', '--fly'], '--fly'],
])('%j is refused with a sentence', (args, words) => {
  expect(readOptions(args)).toContain(words);
});
