import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { NetError } from '../base/index.ts';
import type { KeyStore } from '../client/index.ts';

/** Bits of a mode that let somebody else in. */
const OTHERS = 0o077;

/** Secrets in one JSON file that only its owner can read; made with mode 0600 when it is missing. */
export class FileKeyStore implements KeyStore {
  readonly #path: string;
  readonly #values: Map<string, string>;

  /** @throws NetError `OPTIONS_INVALID` when the file is readable by others or is not ours */
  constructor(path: string) {
    this.#path = path;
    this.#values = read(path);
  }

  load(name: string): string | undefined {
    return this.#values.get(name);
  }

  save(name: string, value: string | undefined): void {
    if (value === undefined) this.#values.delete(name);
    else this.#values.set(name, value);
    // Whole or not at all: a crash in between must not cost the player its identity.
    const draft = `${this.#path}.${process.pid}.new`;
    const text = JSON.stringify(Object.fromEntries(this.#values), undefined, 2);
    writeFileSync(draft, `${text}\n`, { mode: 0o600 });
    renameSync(draft, this.#path);
  }
}

function read(path: string): Map<string, string> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return new Map();
  if (process.platform !== 'win32' && (stat.mode & OTHERS) !== 0) {
    throw new NetError('OPTIONS_INVALID', `identityFile: ${path} can be read by others; chmod 600`);
  }
  try {
    const entries = Object.entries(JSON.parse(readFileSync(path, 'utf8')) as object); // checked below
    if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
      return new Map(entries);
    }
  } catch (cause) {
    throw new NetError('OPTIONS_INVALID', `identityFile: ${path} cannot be read`, { cause });
  }
  throw new NetError('OPTIONS_INVALID', `identityFile: ${path} is not a list of secrets`);
}
