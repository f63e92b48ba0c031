import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileKeyStore } from './file-key-store.ts';

const path = (): string => join(mkdtempSync(join(tmpdir(), 'partyline-')), 'identity.json');

test('what is saved is there for the next program, in a file that only its owner reads', () => {
  const file = path();
  const store = new FileKeyStore(file);
  expect(store.load('game/guest/default')).toBeUndefined();
  store.save('game/guest/default', 'secret');
  store.save('game/guest/bob', 'other');
  store.save('game/guest/bob', undefined);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const next = new FileKeyStore(file);
  expect(next.load('game/guest/default')).toBe('secret');
  expect(next.load('game/guest/bob')).toBeUndefined();
});

test('a file that others can read is refused, and left as it is', () => {
  const file = path();
  writeFileSync(file, '{"a":"b"}');
  chmodSync(file, 0o644);
  expect(() => new FileKeyStore(file)).toThrow('chmod 600');
  expect(readFileSync(file, 'utf8')).toBe('{"a":"b"}');
});

test.each(['', '{', '[1]', '{"a":1}', 'null'])(
  'a file with %j in it is refused, not overwritten',
  (text) => {
    const file = path();
    writeFileSync(file, text, { mode: 0o600 });
    expect(() => new FileKeyStore(file)).toThrow('identityFile');
  },
);
