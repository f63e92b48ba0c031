import type { Clock } from '../base/index.ts';
import { ExpiryWheel } from './expiry-wheel.ts';
import type { Store, Stored, Unsubscribe, Write } from './store.ts';

type Listener = (message: unknown) => void;

/** Everything in this program's memory: one node, nothing survives it. */
export class MemoryStore implements Store {
  readonly #records = new Map<string, Stored<unknown>>();
  readonly #indexes = new Map<string, Map<string, unknown>>();
  /** Most have one listener: an array is a third of a Set. Replaced, never changed: it may be iterated over. */
  readonly #channels = new Map<string, readonly Listener[]>();
  readonly #expiry: ExpiryWheel;

  constructor(clock: Clock) {
    this.#expiry = new ExpiryWheel(clock, (key) => this.#records.delete(key));
  }

  async load<T>(key: string): Promise<Stored<T> | undefined> {
    // The caller wrote it under this key and names its type, as the interface says.
    return this.#record(key) as Stored<T> | undefined;
  }

  async write<T>(change: Write<T>): Promise<boolean> {
    const revision = this.#record(change.key)?.revision ?? 0;
    if (revision !== change.from) return false;
    if (change.value === undefined) this.#records.delete(change.key);
    else this.#records.set(change.key, { revision: revision + 1, value: change.value });
    // What was not there has no end that would have to be taken off.
    if (revision > 0 || change.expiresInMs !== undefined) {
      this.#expiry.set(change.key, change.value === undefined ? undefined : change.expiresInMs);
    }
    if (change.publish) this.#tell(change.publish.channel, change.publish.message);
    return true;
  }

  async expire(key: string, inMs: number | undefined): Promise<boolean> {
    if (!this.#record(key)) return false;
    this.#expiry.set(key, inMs);
    return true;
  }

  async putIndex(index: string, member: string, value: unknown): Promise<void> {
    const members = this.#indexes.get(index) ?? new Map<string, unknown>();
    this.#indexes.set(index, members.set(member, value));
  }

  async removeIndex(index: string, member: string): Promise<void> {
    const members = this.#indexes.get(index);
    members?.delete(member);
    if (members?.size === 0) this.#indexes.delete(index);
  }

  async readIndex<T>(index: string): Promise<ReadonlyMap<string, T>> {
    // As in load: the caller names the type it put.
    return (this.#indexes.get(index) ?? new Map()) as ReadonlyMap<string, T>;
  }

  async publish(channel: string, message: unknown): Promise<void> {
    this.#tell(channel, message);
  }

  async subscribe(channel: string, listener: Listener): Promise<Unsubscribe> {
    const own: Listener = (message) => listener(message); // the same function may subscribe twice
    this.#channels.set(channel, [...(this.#channels.get(channel) ?? []), own]);
    return () => {
      const left = this.#channels.get(channel)?.filter((other) => other !== own) ?? [];
      if (left.length > 0) this.#channels.set(channel, left);
      else this.#channels.delete(channel);
    };
  }

  async close(): Promise<void> {
    this.#expiry.close();
    this.#records.clear();
    this.#indexes.clear();
    this.#channels.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #record(key: string): Stored<unknown> | undefined {
    const record = this.#records.get(key);
    if (!record || !this.#expiry.isOver(key)) return record;
    this.#expiry.set(key, undefined);
    this.#records.delete(key);
    return undefined;
  }

  #tell(channel: string, message: unknown): void {
    for (const listener of this.#channels.get(channel) ?? []) listener(message);
  }
}
