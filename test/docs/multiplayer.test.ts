import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const tests = [
  'test/contract/multiplayer-peer-suite.ts',
  'test/scenario/multiplayer-api.test.ts',
  'test/scenario/multiplayer-auth.test.ts',
  'test/scenario/multiplayer-mesh.test.ts',
  'test/scenario/peers/lobby-mesh.test.ts',
  'packages/partyline/src/peers/star-peer.test.ts',
  'packages/partyline/src/peers/mesh-peer.test.ts',
]
  .map(read)
  .join('\n');
/** The last column of each table row. */
const named = [...read('docs/multiplayer.md').matchAll(/\| `([^`]+)` \|$/gm)].map(
  ([, name]) => name,
);

test('docs/multiplayer.md has a row for each rule', () => {
  expect(named.length).toBeGreaterThan(35);
});

test.each(named)('there is a test: %s', (name) => {
  expect(tests).toContain(`${name}`);
});
