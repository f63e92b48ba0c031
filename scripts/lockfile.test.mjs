import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const lockfiles = ['package-lock.json', 'bench/package-lock.json'];

function readPackages(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
}

/** Node's own rule: the nearest node_modules on the way up. */
function find(packages, from, name) {
  for (let folder = from; ; folder = folder.replace(/(^|\/)[^/]+$/, '')) {
    const candidate = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (candidate in packages) return packages[candidate];
    if (folder === '') return undefined;
  }
}

test.each(lockfiles)('%s holds every package for every machine, or npm ci refuses', (file) => {
  const packages = readPackages(file);
  const missing = Object.entries(packages).flatMap(
    ([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => find(packages, path, name) === undefined)
        .map((name) => `${name}, wanted by ${path}`),
  );
  expect(missing).toEqual([]);
});

test.each(lockfiles)('%s names no registry', (file) => {
  const downloads = Object.entries(readPackages(file)).filter(
    ([, { resolved, link }]) => resolved !== undefined && !link,
  );
  expect(downloads).toEqual([]);
});
