import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../../packages/partyline/src');

/** Every name that an index exports, types included. */
function exportedNames(shell: string): string[] {
  const text = readFileSync(join(src, shell, 'index.ts'), 'utf8');
  const lists = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list.split(','),
  );
  const names = lists.map((entry) => entry.trim().replace(/^type /, '')).filter(Boolean);
  return names.map((name) => name.replace(/^.* as /, '')).toSorted();
}

/** What only Node has: its crypto, which the server uses as well. */
const onlyInNode = ['nodeCrypto', 'nodeLegacyCrypto'];

test('browser and Node offer the same names, so that game code moves between them', () => {
  const shared = exportedNames('node').filter((name) => !onlyInNode.includes(name));
  expect(shared).toContain('connect');
  expect(exportedNames('browser')).toEqual(shared);
});
