import './require-node.mjs';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Explained, npm, root, runMain, timed } from './child.mjs';
import { ensureInstalled } from './install.mjs';

/** What is built, and what has to be built before it. */
const workspaces = [
  { folder: 'packages/protocol', after: [] },
  { folder: 'packages/partyline', after: ['packages/protocol'] },
  { folder: 'packages/server', after: ['packages/protocol', 'packages/partyline'] },
  { folder: 'examples/arena', after: ['packages/partyline'] },
];

/** Beside the output, so that who removes the output removes it too. */
const STAMP = 'dist/.built-from';
const notSource = new Set(['dist', 'node_modules', 'coverage', '.partyline']);

/**
 * Builds what changed since its last build, each workspace as soon as those before it are there.
 *
 * @param {{ force?: boolean }} [options]
 */
export async function ensureBuilt({ force = false } = {}) {
  const sources = sourceDigests();
  const stale = workspaces.filter(
    ({ folder }) => force || readStamp(folder) !== sources.get(folder),
  );
  if (stale.length === 0) return;
  const names = stale.map(({ folder }) => folder).join(', ');
  await timed(`Building ${names}`, () => buildAll(stale));
}

/** @param {typeof workspaces} stale */
async function buildAll(stale) {
  const builds = new Map();
  for (const { folder, after } of stale) {
    const before = after.map((other) => builds.get(other));
    builds.set(
      folder,
      Promise.all(before).then(() => build(folder)),
    );
  }
  const outcomes = await Promise.allSettled(builds.values());
  const reasons = new Set(outcomes.flatMap((o) => (o.status === 'rejected' ? [o.reason] : [])));
  if (reasons.size > 0) throw new Explained([...reasons].map((r) => r.message).join('\n'));
}

/** @param {string} folder */
async function build(folder) {
  rmSync(join(root, folder, 'dist'), { recursive: true, force: true });
  const { ok, output } = await npm(['run', '--silent', 'build'], { cwd: join(root, folder) });
  if (!ok) throw new Explained(`${output}\nThe build of ${folder} failed (npm run build).`);
  // Digested again: a build may write sources (the protocol's does) that later ones read.
  writeFileSync(join(root, folder, STAMP), sourceDigests().get(folder) ?? '');
}

/** For each workspace one digest of its sources and of those it builds upon. */
function sourceDigests() {
  const digests = new Map();
  for (const { folder, after } of workspaces) {
    const hash = createHash('sha256');
    for (const file of ['package-lock.json', 'tsconfig.base.json']) {
      hash.update(readFileSync(join(root, file)));
    }
    for (const other of after) hash.update(digests.get(other));
    for (const file of sourceFiles(join(root, folder))) {
      hash.update(`${relative(root, file)}\0`).update(readFileSync(file));
    }
    digests.set(folder, hash.digest('hex'));
  }
  return digests;
}

/** @param {string} dir @returns {string[]} */
function sourceFiles(dir) {
  return readdirSync(dir)
    .sort()
    .filter((name) => !notSource.has(name) && !name.endsWith('.test.ts'))
    .flatMap((name) => {
      const path = join(dir, name);
      return statSync(path).isDirectory() ? sourceFiles(path) : [path];
    });
}

/** @param {string} folder */
function readStamp(folder) {
  const file = join(root, folder, STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(async () => {
    await ensureInstalled();
    await ensureBuilt({ force: true });
  });
}
