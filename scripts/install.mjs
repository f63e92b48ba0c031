import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Explained, npm, root, timed } from './child.mjs';

/**
 * Installs what the lockfile says, unless it is there already.
 *
 * @param {string} [folder] where package-lock.json stands
 * @param {string} [what] what is installed, for the progress line
 */
export async function ensureInstalled(folder = root, what = 'the packages of the lockfile') {
  if (isInstalled(folder)) return;
  const { ok, output } = await timed(`Installing ${what}`, () =>
    npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder }),
  );
  if (!ok) {
    throw new Explained(
      `${output}\nnpm could not install the packages: is this machine online? Then try again: npm ci`,
    );
  }
}

/**
 * npm writes down what it put into node_modules, in the lockfile's own format: where that list
 * agrees with the lockfile nothing is to be done. Optional packages may be missing (they are
 * built for other machines), but not be of another version.
 *
 * @param {string} folder
 */
export function isInstalled(folder) {
  const installed = readPackages(join(folder, 'node_modules/.package-lock.json'));
  const wanted = readPackages(join(folder, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (!path.includes('node_modules/')) return true; // the workspaces themselves
    const found = installed[path];
    return found === undefined ? optional === true : found.version === version;
  });
}

/** @param {string} file */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
