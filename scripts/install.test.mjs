import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isInstalled } from './install.mjs';

const lockfile = {
  '': { name: 'clone' },
  'packages/one': { name: 'one' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/only-elsewhere': { version: '1.0.0', optional: true },
};

function clone(installed) {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-install-'));
  const write = (name, packages) => writeFileSync(join(folder, name), JSON.stringify({ packages }));
  write('package-lock.json', lockfile);
  mkdirSync(join(folder, 'node_modules'));
  if (installed !== undefined) write('node_modules/.package-lock.json', installed);
  return folder;
}

test.each([
  ['nothing is installed', undefined, false],
  ['all is there', { 'node_modules/a': { version: '1.0.0' } }, true],
  ['a package is missing', {}, false],
  ['a package has another version', { 'node_modules/a': { version: '1.0.1' } }, false],
  [
    'an optional package has another version',
    { 'node_modules/a': { version: '1.0.0' }, 'node_modules/only-elsewhere': { version: '2.0.0' } },
    false,
  ],
])('%s', (_, installed, expected) => {
  expect(isInstalled(clone(installed))).toBe(expected);
});
