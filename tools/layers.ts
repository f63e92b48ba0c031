import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Who may import whom, lowest first: the one place where the architecture is written as data.
 * A folder may import the folders it lists, always through their index.ts, and itself freely.
 */
export const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  crypto: ['base'],
  stun: ['base', 'crypto'],
  turn: ['base', 'crypto', 'stun'],
  ice: ['base', 'crypto', 'stun', 'turn'],
  cert: ['base', 'crypto'],
  snp: ['base'],
  gns: ['base', 'crypto', 'cert', 'snp', 'ice'],
  signaling: ['base'],
  identity: ['base', 'crypto', 'cert'],
  lobby: ['base'],
  matchmaking: ['base', 'lobby'],
  webrtc: ['base', 'signaling'],
  multiplayer: ['base'],
  peers: ['base', 'gns', 'webrtc', 'multiplayer'],
  testing: ['base'],
  browser: [
    'base',
    'signaling',
    'identity',
    'lobby',
    'matchmaking',
    'webrtc',
    'multiplayer',
    'peers',
  ],
  node: [
    'base',
    'crypto',
    'stun',
    'turn',
    'ice',
    'cert',
    'snp',
    'gns',
    'signaling',
    'identity',
    'lobby',
    'matchmaking',
    'webrtc',
    'multiplayer',
    'peers',
  ],
  cli: ['base', 'node'],
};

/** Folders that may touch the machine they run on. */
const shells = new Set(['node', 'cli']);

export interface Violation {
  readonly file: string;
  readonly specifier: string;
  readonly rule: string;
}

/** verbatimModuleSyntax keeps imports regular enough that a regular expression reads them all. */
const importPattern =
  /(?:^|\n)\s*(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/g;

export function checkLayers(srcDir: string): Violation[] {
  return sourceFiles(srcDir).flatMap((file) => {
    const folder = relative(srcDir, file).split('/')[0] ?? '';
    return [...readFileSync(file, 'utf8').matchAll(importPattern)].flatMap((match) => {
      const specifier = match[1] ?? match[2] ?? '';
      const rule = brokenRule(srcDir, file, folder, specifier);
      return rule ? [{ file: relative(srcDir, file), specifier, rule }] : [];
    });
  });
}

function brokenRule(
  srcDir: string,
  file: string,
  folder: string,
  specifier: string,
): string | undefined {
  const isTest = file.endsWith('.test.ts');
  if (!(folder in layers)) return `src/${folder} is not a layer: add it to tools/layers.ts`;
  if (specifier.startsWith('node:')) {
    return shells.has(folder) || isTest ? undefined : `${folder} is sans-IO: no node: modules`;
  }
  if (!specifier.startsWith('.')) return undefined; // npm packages: noUndeclaredDependencies
  const target = relative(srcDir, resolve(dirname(file), specifier));
  const [targetFolder = ''] = target.split('/');
  if (targetFolder === folder) return undefined;
  if (target !== `${targetFolder}/index.ts`) return `use the door: ${targetFolder}/index.ts`;
  const allowed = [...(layers[folder] ?? []), ...(isTest ? ['testing'] : [])];
  return allowed.includes(targetFolder) ? undefined : `${folder} may not import ${targetFolder}`;
}

function sourceFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(dir, name));
}
