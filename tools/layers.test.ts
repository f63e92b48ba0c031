import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkLayers, layers } from './layers.ts';

test('src obeys the layer rule', () => {
  expect(checkLayers(join(import.meta.dirname, '../src'))).toEqual([]);
});

test('the rule has no cycle: every layer only lists layers above it in the file', () => {
  const order = Object.keys(layers);
  for (const [layer, allowed] of Object.entries(layers)) {
    for (const other of allowed) expect(order.indexOf(other)).toBeLessThan(order.indexOf(layer));
  }
});

test.each([
  ['snp', "import { x } from '../gns/index.ts';", 'snp may not import gns'],
  ['gns', "import { x } from '../snp/receiver.ts';", 'use the door: snp/index.ts'],
  ['gns', "import '../node/index.ts';", 'gns may not import node'],
  ['gns', "export * from '../cli/index.ts';", 'gns may not import cli'],
  ['gns', "const m = await import('../peers/index.ts');", 'gns may not import peers'],
  ['ice', "import { createSocket } from 'node:dgram';", 'ice is sans-IO: no node: modules'],
  [
    'helpers',
    "import { x } from '../base/index.ts';",
    'src/helpers is not a layer: add it to tools/layers.ts',
  ],
])('%s: %s', (folder, source, rule) => {
  const src = mkdtempSync(join(tmpdir(), 'layers-'));
  mkdirSync(join(src, folder));
  writeFileSync(join(src, folder, 'a.ts'), source);
  expect(checkLayers(src)).toMatchObject([{ rule }]);
});
