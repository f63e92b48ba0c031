import { readFileSync } from 'node:fs';

/** Of this package; the file stands two folders above both `src/api` and `dist/api`. */
export const serverVersion: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string }; // our own file
  return version;
}
