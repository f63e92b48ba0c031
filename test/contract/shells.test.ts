import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../../packages/partyline/src');

/** Every name that an index exports, types included, but for those of the modules left out. */
function exportedNames(shell: string, leftOut: RegExp = /^$/): string[] {
  const text = readFileSync(join(src, shell, 'index.ts'), 'utf8');
  const lists = [...text.matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)]
    .filter(([, , from = '']) => !leftOut.test(from))
    .flatMap(([, list = '']) => list.split(','));
  const names = lists.map((entry) => entry.trim().replace(/^type /, '')).filter(Boolean);
  return names.map((name) => name.replace(/^.* as /, '')).toSorted();
}

/** What only Node has: its crypto, which the server uses as well, and sockets over UDP. */
const onlyInNode = /^\.\/(crypto|turn-.*|nat-.*|ice-.*|gns-.*)\.ts$/;

test('browser and Node offer the same names, so that game code moves between them', () => {
  const shared = exportedNames('node', onlyInNode);
  expect(shared).toEqual(expect.arrayContaining(['connect', 'openPeer', 'scheduler']));
  expect(exportedNames('node').length).toBeGreaterThan(shared.length);
  expect(exportedNames('browser')).toEqual(shared);
});
