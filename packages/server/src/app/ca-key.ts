import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../config/index.ts';

const SEED_BYTES = 32;

/**
 * The CA key of an app: read, or made on the first start. The file is opened exclusively and for
 * this user alone, so that neither a second server nor a planted file can decide what it is.
 * `flag` is what chooses another place. @throws ConfigError when others may read it, or it holds no key.
 */
export function loadCaSeed(
  path: string,
  randomBytes: (length: number) => Uint8Array,
  flag = '--data-dir',
): Uint8Array {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError(
      `The folder ${dirname(path)} for keys cannot be made (${codeOf(error)}). Choose one with ${flag}.`,
    );
  }
  return create(path, randomBytes, flag) ?? read(path);
}

function create(
  path: string,
  randomBytes: (length: number) => Uint8Array,
  flag: string,
): Uint8Array | undefined {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
    throw new ConfigError(
      `The key ${path} cannot be made (${codeOf(error)}). Choose a folder with ${flag}.`,
    );
  }
  try {
    const seed = randomBytes(SEED_BYTES);
    writeSync(file, `${Buffer.from(seed).toString('base64url')}\n`);
    fsyncSync(file);
    return seed;
  } finally {
    closeSync(file);
  }
}

function read(path: string): Uint8Array {
  const file = openToRead(path);
  try {
    if (!fstatSync(file).isFile()) throw new ConfigError(`The key ${path} is not a file.`);
    // The opened file is looked at, not the name: it cannot be swapped in between.
    const { mode } = fstatSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new ConfigError(
        `The key ${path} can be read by others (mode ${(mode & 0o777).toString(8)}). ` +
          `Whoever read it can pose as any player. Run: chmod 600 ${path}`,
      );
    }
    const text = readFileSync(file, 'utf8').trim();
    if (!/^[A-Za-z0-9_-]{43}$/.test(text)) {
      throw new ConfigError(
        `The key ${path} is damaged. Restore it, or delete it and let players log in anew.`,
      );
    }
    return new Uint8Array(Buffer.from(text, 'base64url'));
  } finally {
    closeSync(file);
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new ConfigError(
      `The key ${path} cannot be read (${codeOf(error)}). It must belong to the user who runs this server.`,
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
