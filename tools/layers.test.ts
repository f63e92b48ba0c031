import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  checkLayers,
  type LayerTable,
  neverInBrowser,
  partylineLayers,
  serverLayers,
} from './layers.ts';

const packages = join(import.meta.dirname, '../packages');

describe.each([
  { name: 'partyline', table: partylineLayers },
  { name: 'server', table: serverLayers },
])('packages/$name/src', ({ name, table }) => {
  test('obeys its table', () => {
    expect(checkLayers(join(packages, name, 'src'), table)).toEqual([]);
  });

  test('has no cycle: a layer imports only what stands above it', () => {
    const order = [...table.keys()];
    for (const [layer, { imports }] of table) {
      for (const other of imports) expect(order.slice(0, order.indexOf(layer))).toContain(other);
    }
  });

  test('every folder is a layer', () => {
    const folders = readdirSync(join(packages, name, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(folders.filter((folder) => !table.has(folder))).toEqual([]);
  });
});

test('nothing that a page loads at once can reach GNS, ICE or TURN', () => {
  const reached = new Set<string>();
  const visit = (layer: string): void => {
    if (reached.has(layer)) return;
    reached.add(layer);
    partylineLayers.get(layer)?.imports.forEach(visit);
  };
  visit('browser');
  expect(neverInBrowser.filter((layer) => reached.has(layer))).toEqual([]);
});

test.each([
  ['snp/a.ts', "import { x } from '../gns/index.ts';", 'snp may not import gns'],
  ['gns/a.ts', "import { x } from '../snp/receiver.ts';", 'use the door: snp/index.ts'],
  ['gns/a.ts', "import '../node/index.ts';", 'gns may not import node'],
  ['gns/a.ts', "export * from '../browser/index.ts';", 'gns may not import browser'],
  ['gns/a.ts', "const m = await import('../peers/index.ts');", 'gns may not import peers'],
  ['gns/a.ts', "import type {\n  X,\n} from '../peers/index.ts';", 'gns may not import peers'],
  ['browser/a.ts', "import { x } from '../gns/index.ts';", 'browser may not import gns'],
  ['browser/a.ts', "import { x } from '../node/index.ts';", 'browser may not import node'],
  ['browser/a.ts', "import 'node:dgram';", 'browser is sans-IO: no node: modules'],
  ['ice/a.ts', "import { createSocket } from 'node:dgram';", 'ice is sans-IO: no node: modules'],
  ['turn/a.ts', "import { x } from './server/index.ts';", 'turn may not import turn/server'],
  ['turn/server/a.ts', "import { x } from '../client.ts';", 'use the door: turn/index.ts'],
  ['cert/a.ts', "import { x } from './verify/cert.ts';", 'use the door: cert/verify/index.ts'],
  ['cert/verify/a.ts', "import { x } from '../index.ts';", 'cert/verify may not import cert'],
  [
    'crypto/a.ts',
    "import { x } from './sealing/index.ts';",
    'crypto may not import crypto/sealing',
  ],
  ['peers/a.ts', "import { x } from '../gns/index.ts';", 'peers may not import gns'],
  ['client/deep/a.ts', "import { x } from '../../peers/index.ts';", 'client may not import peers'],
  ['client/a.ts', "import { z } from 'zod';", 'client may not use zod'],
  ['client/a.ts', "import { x } from '../testing/index.ts';", 'client may not import testing'],
  ['base/a.test.ts', "import { x } from '../client/index.ts';", 'base may not import client'],
  [
    'base/a.ts',
    "import { x } from '../../../server/src/index.ts';",
    'outside of src: use a package',
  ],
  ['base/a.ts', "import { x } from '../index.ts';", 'base may not import index'],
  [
    'a/b.ts',
    "import { x } from '../base/index.ts';",
    'src/a is not a layer: add it to tools/layers.ts',
  ],
])('partyline: %s: %s', (file, source, rule) => {
  expect(violations(partylineLayers, file, source)).toEqual([rule]);
});

test.each([
  ['store/a.ts', "import { x } from '../lobby/index.ts';", 'store may not import lobby'],
  ['lobby/a.ts', "import { x } from '../store/memory-store.ts';", 'use the door: store/index.ts'],
  ['lobby/a.ts', "import { createHash } from 'node:crypto';", 'lobby is sans-IO: no node: modules'],
  ['relay/a.ts', "import { x } from '../api/index.ts';", 'relay may not import api'],
])('server: %s: %s', (file, source, rule) => {
  expect(violations(serverLayers, file, source)).toEqual([rule]);
});

test.each([
  ['crypto/a.ts', "import { sha256 } from '@noble/hashes/sha2.js';"],
  [
    'node/a.ts',
    "import { PeerConnection } from 'node-datachannel';\nimport { createSocket } from 'node:dgram';",
  ],
  ['client/generated/a.ts', "import { x } from '../check.ts';"],
  ['cert/a.ts', "export * from './verify/index.ts';"],
  ['base/a.test.ts', "import fc from 'fast-check';\nimport { x } from '../testing/index.ts';"],
  [
    'cert/a.test.ts',
    "import { readFileSync } from 'node:fs';\nimport { x } from '../crypto/index.ts';",
  ],
  ['index.ts', "export * from './client/index.ts';"],
])('partyline: %s may say: %s', (file, source) => {
  expect(violations(partylineLayers, file, source)).toEqual([]);
});

function violations(table: LayerTable, file: string, source: string): string[] {
  const src = mkdtempSync(join(tmpdir(), 'layers-'));
  mkdirSync(dirname(join(src, file)), { recursive: true });
  writeFileSync(join(src, file), source);
  return checkLayers(src, table).map(({ rule }) => rule);
}
