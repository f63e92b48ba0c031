import { type KeyStore, MemoryKeyStore } from '../client/index.ts';

/** Secrets in localStorage or sessionStorage; in memory where the browser forbids both. */
export class WebKeyStore implements KeyStore {
  readonly #storage: () => Storage;
  /** What the browser refused to keep still serves this page. */
  readonly #memory = new MemoryKeyStore();

  /** @param storage a function, because in some settings the mere access throws */
  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  load(name: string): string | undefined {
    try {
      return this.#memory.load(name) ?? this.#storage().getItem(key(name)) ?? undefined;
    } catch {
      return undefined;
    }
  }

  save(name: string, value: string | undefined): void {
    this.#memory.save(name, undefined);
    try {
      if (value === undefined) this.#storage().removeItem(key(name));
      else this.#storage().setItem(key(name), value);
    } catch {
      this.#memory.save(name, value);
    }
  }
}

function key(name: string): string {
  return `partyline/${name}`;
}
