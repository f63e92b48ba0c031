/**
 * Where small secrets live between runs: the guest key, and a session's way back.
 * Both calls may be synchronous or asynchronous; a `save` that is synchronous survives a page that closes right after.
 */
export interface KeyStore {
  load(name: string): string | undefined | Promise<string | undefined>;
  /** `undefined` deletes. */
  save(name: string, value: string | undefined): void | Promise<void>;
}

/** Forgets everything when the program ends. */
export class MemoryKeyStore implements KeyStore {
  readonly #values = new Map<string, string>();

  load(name: string): string | undefined {
    return this.#values.get(name);
  }

  save(name: string, value: string | undefined): void {
    if (value === undefined) this.#values.delete(name);
    else this.#values.set(name, value);
  }
}
