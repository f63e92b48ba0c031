import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Which layers a row may import: a list, or what stands above it. */
type Imports = readonly string[] | ((above: readonly string[]) => readonly string[]);

/** A row: a folder of `src` (or a door inside one), what it imports, and which machine it may touch. */
type Row = readonly [layer: string, imports: Imports, allows?: Allowance];

export interface Allowance {
  /** May import `node:` modules: a shell, or a test. */
  readonly node?: boolean;
  /** npm packages by name or scope; without this, none. `any` leaves it to package.json. */
  readonly packages?: readonly string[] | 'any';
}

export interface Layer extends Allowance {
  readonly imports: readonly string[];
}

/** Lowest first. A file belongs to the longest name that its path begins with. */
export type LayerTable = ReadonlyMap<string, Layer>;

/** Everything above, less what is named. */
const above =
  (...except: readonly string[]) =>
  (rows: readonly string[]): readonly string[] =>
    rows.filter((row) => !except.includes(row));

const cert = ['cert/verify', 'cert'] as const;
const noble = { packages: ['@noble'] };
/** What a page gets without asking for it never reaches these (see tools/bundle-budget.ts). */
export const neverInBrowser: readonly string[] = [
  ...['crypto/legacy', 'turn', 'turn/server', 'ice', 'snp', 'gns', 'peers/gns'],
];

/**
 * Who may import whom in packages/partyline/src: the one place where the architecture is written as
 * data. `index` is the main door, src/index.ts.
 */
export const partylineLayers: LayerTable = layerTable([
  ['base', []],
  ['crypto', ['base'], noble],
  ['crypto/sealing', ['base', 'crypto'], noble],
  ['crypto/legacy', ['base', 'crypto'], noble],
  ['cert/verify', ['base', 'crypto']],
  ['cert', ['base', 'crypto', 'cert/verify']],
  ['stun', ['base', 'crypto']],
  ['turn', ['base', 'crypto', 'stun']],
  ['turn/server', ['base', 'crypto', 'stun', 'turn']],
  ['ice', ['base', 'crypto', 'stun', 'turn']],
  ['snp', ['base', 'crypto', ...cert, 'ice']],
  ['gns', ['base', 'crypto', ...cert, 'ice', 'snp']],
  ['signaling', ['base', ...cert]],
  ['webrtc', ['base', 'crypto', ...cert, 'signaling']],
  ['client', ['base', 'crypto', ...cert, 'signaling']],
  ['multiplayer', ['base']],
  ['peers', above(...neverInBrowser)],
  ['peers/gns', above()],
  ['testing', ['base']],
  ['index', above('testing', ...neverInBrowser)],
  ['browser', above('testing', 'index', ...neverInBrowser)],
  ['browser/gns', above('testing', 'index', 'turn/server')],
  ['browser/xmpp', above('testing', 'index', ...neverInBrowser)],
  [
    'node',
    above('testing', 'index', 'browser', 'browser/gns', 'browser/xmpp'),
    { node: true, packages: ['node-datachannel'] },
  ],
  [
    'node/xmpp',
    above('testing', 'index', 'browser', 'browser/gns', 'browser/xmpp'),
    { node: true, packages: ['@xmpp'] },
  ],
]);

const operator: Allowance = { node: true, packages: 'any' };
/** Rules of a game's lobby are pure: (state, command, now) → state and events. */
const pure: Allowance = { packages: 'any' };

/** packages/server/src: each may import what stands above it. */
export const serverLayers: LayerTable = layerTable([
  ['base', [], operator],
  ['config', above(), operator],
  ['store', above(), operator],
  ['app', above(), operator],
  ['identity', above(), operator],
  ['lobby', above(), pure],
  ['matchmaking', above(), pure],
  ['presence', above(), operator],
  ['rendezvous', above(), operator],
  ['relay', above(), operator],
  ['turn', above(), operator],
  ['api', above(), operator],
  ['cli', above(), operator],
  ['index', above(), operator],
]);

export interface Violation {
  /** Relative to the source folder. */
  readonly file: string;
  readonly specifier: string;
  readonly rule: string;
}

/** verbatimModuleSyntax keeps imports regular enough that a regular expression reads them all. */
const importPattern =
  /(?:^|\n)\s*(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g;

/** Every import under `srcDir` that the table does not allow. */
export function checkLayers(srcDir: string, table: LayerTable): Violation[] {
  return sourceFiles(srcDir).flatMap((path) => {
    const file = relative(srcDir, path);
    return [...readFileSync(path, 'utf8').matchAll(importPattern)].flatMap((match) => {
      const specifier = match[1] ?? match[2] ?? '';
      const rule = brokenRule(table, srcDir, file, specifier);
      return rule ? [{ file, specifier, rule }] : [];
    });
  });
}

function brokenRule(
  table: LayerTable,
  srcDir: string,
  file: string,
  specifier: string,
): string | undefined {
  const name = layerOf(table, file);
  const layer = table.get(name);
  if (layer === undefined) return `src/${name} is not a layer: add it to tools/layers.ts`;
  const isTest = /\.test\.ts$/.test(file);
  if (specifier.startsWith('node:')) {
    return layer.node || isTest ? undefined : `${name} is sans-IO: no node: modules`;
  }
  if (!specifier.startsWith('.')) {
    return isTest || mayUse(layer, specifier) ? undefined : `${name} may not use ${specifier}`;
  }
  const target = relative(srcDir, resolve(srcDir, dirname(file), specifier));
  if (target.startsWith('..')) return isTest ? undefined : 'outside of src: use a package';
  if (/\.json$/.test(target)) return undefined;
  const targetName = layerOf(table, target);
  if (targetName === name) return undefined;
  const door = targetName === 'index' ? 'index.ts' : `${targetName}/index.ts`;
  if (target !== door) return `use the door: ${door}`;
  const allowed = isTest ? testImports(table, name) : layer.imports;
  return allowed.includes(targetName) ? undefined : `${name} may not import ${targetName}`;
}

/** A test may use whatever stands above its layer, and the simulated world. */
function testImports(table: LayerTable, name: string): string[] {
  const order = [...table.keys()];
  return [...order.slice(0, order.indexOf(name)), 'testing'];
}

function mayUse(layer: Layer, specifier: string): boolean {
  const { packages = [] } = layer;
  return (
    packages === 'any' || packages.some((p) => specifier === p || specifier.startsWith(`${p}/`))
  );
}

/** The longest row that the path begins with; else its first folder, which then is no layer. */
function layerOf(table: LayerTable, file: string): string {
  const folders = dirname(file) === '.' ? ['index'] : dirname(file).split('/');
  for (let depth = folders.length; depth > 0; depth--) {
    const name = folders.slice(0, depth).join('/');
    if (table.has(name)) return name;
  }
  return folders[0] ?? '';
}

function layerTable(rows: readonly Row[]): LayerTable {
  const table = new Map<string, Layer>();
  for (const [name, imports, allows] of rows) {
    const resolved = typeof imports === 'function' ? imports([...table.keys()]) : imports;
    table.set(name, { imports: resolved, ...allows });
  }
  return table;
}

function sourceFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(dir, name));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const packages = join(import.meta.dirname, '../packages');
  const violations = [
    ...checkLayers(join(packages, 'partyline/src'), partylineLayers),
    ...checkLayers(join(packages, 'server/src'), serverLayers),
  ];
  for (const { file, specifier, rule } of violations)
    console.error(`${file}: ${specifier}: ${rule}`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
