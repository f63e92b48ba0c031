import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { neverInBrowser } from './layers.ts';

/** What a page downloads for `import … from 'partyline/browser'`, Ed25519 included. */
export const browserBudgetGzipBytes: number = 30 * 1024;

export interface Chunk {
  readonly name: string;
  /** Downloaded with the entry; the others wait for an `import()`. */
  readonly isStatic: boolean;
  readonly minifiedBytes: number;
  readonly gzipBytes: number;
}

export interface BundleReport {
  readonly chunks: readonly Chunk[];
  /** Gzip of each chunk in the static import graph, added up: they are separate downloads. */
  readonly staticGzipBytes: number;
  /** Minified bytes in the static graph by folder of `src` or npm package, largest first. */
  readonly parts: readonly (readonly [part: string, bytes: number])[];
  /** Source files that the browser build must not hold, on demand or not. */
  readonly forbidden: readonly string[];
}

/** Bundles as a game's bundler would: ES modules, split at every `import()`, minified. */
export async function measureBundle(entry: string, srcDir: string): Promise<BundleReport> {
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: srcDir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    metafile: true,
    write: false,
    outdir: join(srcDir, '../.bundle'),
    logLevel: 'silent',
  });
  const staticNames = staticGraph(metafile);
  const contentsOf = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  const chunks = Object.keys(metafile.outputs).map((name) => {
    const contents = contentsOf.get(resolve(srcDir, name)) ?? new Uint8Array();
    return {
      name: name.replace(/^.*\//, ''),
      isStatic: staticNames.has(name),
      minifiedBytes: contents.length,
      gzipBytes: gzipSync(contents, { level: 9 }).length,
    };
  });
  return {
    chunks,
    staticGzipBytes: chunks.reduce((sum, c) => sum + (c.isStatic ? c.gzipBytes : 0), 0),
    parts: partsOf(metafile, staticNames),
    forbidden: shippedFiles(metafile).filter(isForbidden),
  };
}

/** Why the bundle may not ship; empty when it may. */
export function bundleProblems(
  report: BundleReport,
  budgetBytes: number = browserBudgetGzipBytes,
): string[] {
  const problems = report.forbidden.map((file) => `${file} is in the browser build`);
  if (report.staticGzipBytes > budgetBytes) {
    problems.push(`${report.staticGzipBytes} bytes gzip, over ${budgetBytes}`);
  }
  return problems;
}

/** The entry's chunk and whatever it imports by statement, at any depth. */
function staticGraph({ outputs }: Metafile): Set<string> {
  const graph = new Set<string>();
  const visit = (name: string): void => {
    if (graph.has(name)) return;
    graph.add(name);
    for (const { path, kind } of outputs[name]?.imports ?? []) {
      if (kind === 'import-statement') visit(path);
    }
  };
  // On-demand chunks have an entry point too: the one nobody imports is ours.
  const imported = new Set(Object.values(outputs).flatMap((o) => o.imports.map((i) => i.path)));
  for (const [name, output] of Object.entries(outputs)) {
    if (output.entryPoint !== undefined && !imported.has(name)) visit(name);
  }
  return graph;
}

function partsOf({ outputs }: Metafile, graph: ReadonlySet<string>): [string, number][] {
  const parts = new Map<string, number>();
  for (const name of graph) {
    for (const [input, { bytesInOutput }] of Object.entries(outputs[name]?.inputs ?? {})) {
      const part = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? folderOf(input);
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
  }
  return [...parts].sort(([, a], [, b]) => b - a);
}

/** Files of which something is left after tree shaking, in any chunk. */
function shippedFiles({ outputs }: Metafile): string[] {
  const contributions = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return contributions.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
}

function folderOf(input: string): string {
  return input.includes('/') ? input.replace(/\/[^/]*$/, '') : input;
}

function isForbidden(input: string): boolean {
  return neverInBrowser.some((layer) => input.startsWith(`${layer}/`));
}

/** For people. */
export function renderReport({ chunks, staticGzipBytes, parts }: BundleReport): string {
  const row = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, i) => String(cell)[i === 0 ? 'padEnd' : 'padStart'](i === 0 ? 36 : 12))
      .join('');
  return [
    row(['chunk', 'loaded', 'minified', 'gzip']),
    ...chunks.map((c) =>
      row([c.name, c.isStatic ? 'at once' : 'on demand', c.minifiedBytes, c.gzipBytes]),
    ),
    row(['at once, in all', '', '', staticGzipBytes]),
    row(['budget', '', '', browserBudgetGzipBytes]),
    '',
    row(['part of what is loaded at once', 'minified']),
    ...parts.map(([part, bytes]) => row([part, bytes])),
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const srcDir = join(import.meta.dirname, '../packages/partyline/src');
  const entry = join(srcDir, 'browser/index.ts');
  if (!existsSync(entry)) throw new Error(`${entry} is missing: nothing to measure`);
  const report = await measureBundle(entry, srcDir);
  console.log(renderReport(report));
  const problems = bundleProblems(report);
  for (const problem of problems) console.error(`bundle: ${problem}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
