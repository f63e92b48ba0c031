import { chmodSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from 'partyline/node';
import { expect, test } from 'vitest';
import { ConfigError } from '../config/index.ts';
import { loadCaSeed } from './ca-key.ts';

const newPath = (): string => join(mkdtempSync(join(tmpdir(), 'partyline-key-')), 'apps', 'ca.key');

test('the key is made once, for this user alone, and read afterwards', () => {
  const path = newPath();
  const seed = loadCaSeed(path, nodeCrypto.randomBytes);
  expect(seed).toHaveLength(32);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  expect(loadCaSeed(path, () => new Uint8Array(32))).toEqual(seed);
});

test.each([0o640, 0o604, 0o660])(
  'a key of mode %o is refused: others could be any player',
  (mode) => {
    const path = newPath();
    loadCaSeed(path, nodeCrypto.randomBytes);
    chmodSync(path, mode);
    expect(() => loadCaSeed(path, nodeCrypto.randomBytes)).toThrow(ConfigError);
    expect(() => loadCaSeed(path, nodeCrypto.randomBytes)).toThrow(`chmod 600 ${path}`);
  },
);

test.each(['', 'short', 'x'.repeat(44)])('a damaged key is refused, not replaced: «%s»', (text) => {
  const path = newPath();
  loadCaSeed(path, nodeCrypto.randomBytes);
  writeFileSync(path, text);
  expect(() => loadCaSeed(path, nodeCrypto.randomBytes)).toThrow('is damaged');
});

test('what stands in the way of the key is said in words', () => {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-key-'));
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'ca.key'));
  const load = (path: string) => () => loadCaSeed(join(folder, path), nodeCrypto.randomBytes);
  expect(load('file/ca.key')).toThrow(/cannot be made \(E[A-Z]+\). Choose one with --data-dir/);
  expect(load('ca.key')).toThrow('ca.key is not a file');
  expect(load('file/ca.key')).toThrow(ConfigError);
});
