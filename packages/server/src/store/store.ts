/** What the store holds under a key. */
export interface Stored<T> {
  /** 1 when made, one more with every write. */
  readonly revision: number;
  readonly value: T;
}

export interface Write<T = unknown> {
  readonly key: string;
  /** The revision the record must have now; 0: it must not exist. */
  readonly from: number;
  /** Plain JSON that nobody changes afterwards: a store may keep the reference. `undefined` deletes. */
  readonly value: T | undefined;
  /** The record disappears after so long; absent: it stays. */
  readonly expiresInMs?: number;
  /** Said to every subscriber once the write stands, in the order of the record's revisions. */
  readonly publish?: { readonly channel: string; readonly message: unknown };
}

export type Unsubscribe = () => void;

/**
 * Where lobbies and sessions live. It knows records, revisions, indexes and channels, and no rule
 * of a lobby: those stand in `lobby/`. Every store passes test/contract/store-suite.ts.
 *
 * The caller names the type of what it stored under a key; a store cannot check it.
 */
export interface Store extends AsyncDisposable {
  load<T>(key: string): Promise<Stored<T> | undefined>;
  /** False, and nothing changed, when the record has another revision than `from`. */
  write<T>(change: Write<T>): Promise<boolean>;
  /** Ends a record after so long, whatever its revision; `undefined`: it stays. False when there is none. */
  expire(key: string, inMs: number | undefined): Promise<boolean>;

  /** An index is a map of its own: member → a small value. */
  putIndex(index: string, member: string, value: unknown): Promise<void>;
  removeIndex(index: string, member: string): Promise<void>;
  /** May be the store's own map: read it before the next `await`. */
  readIndex<T>(index: string): Promise<ReadonlyMap<string, T>>;

  publish(channel: string, message: unknown): Promise<void>;
  /** Hears every message published after the promise resolved. A listener must not throw. */
  subscribe(channel: string, listener: (message: unknown) => void): Promise<Unsubscribe>;

  close(): Promise<void>;
}
