/** Event name to payload; one payload object per event, never positional arguments. */
export type EventMap = Record<string, unknown>;

export interface OnOptions {
  /** Aborting removes the listener. */
  signal?: AbortSignal;
  /** Remove the listener after its first call. */
  once?: boolean;
}

type Listener<T> = (event: T) => void;

/**
 * The event side of every public object.
 *
 * Listeners run synchronously, in the order they were added. One that throws never breaks the
 * protocol that emitted: the error goes to `onListenerError`, which by default throws it in a turn
 * of its own, where the machine reports it.
 */
export class Emitter<Events extends EventMap> {
  /** Made for the first listener: many an object has none. */
  #listeners: Map<keyof Events, readonly Listener<never>[]> | undefined;
  readonly #onListenerError: (error: unknown, event: keyof Events) => void;

  constructor(onListenerError: (error: unknown, event: keyof Events) => void = throwLater) {
    this.#onListenerError = onListenerError;
  }

  /** Returns the function that removes the listener. */
  on<K extends keyof Events>(
    name: K,
    listener: Listener<Events[K]>,
    options: OnOptions = {},
  ): () => void {
    if (options.signal?.aborted) return () => {};
    this.#listeners ??= new Map();
    const listeners = this.#listeners;
    // Replaced, never changed, so that who emits walks over what was there when it began.
    const off = (): void => {
      const others = listeners.get(name)?.filter((other) => other !== entry);
      if (others !== undefined) listeners.set(name, others);
      options.signal?.removeEventListener('abort', off);
    };
    const entry: Listener<Events[K]> = options.once
      ? (event) => {
          off();
          listener(event);
        }
      : listener;
    const before = listeners.get(name) ?? [];
    if (!before.includes(entry)) listeners.set(name, [...before, entry]);
    options.signal?.addEventListener('abort', off, { once: true });
    return off;
  }

  /** For the owner only: public classes hold an Emitter, they do not extend one. */
  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    const listeners = this.#listeners?.get(name);
    if (!listeners) return;
    for (const listener of listeners) {
      try {
        (listener as Listener<Events[K]>)(event);
      } catch (error) {
        this.#onListenerError(error, name);
      }
    }
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
