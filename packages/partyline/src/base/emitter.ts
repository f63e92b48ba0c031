/** Event name to payload; one payload object per event, never positional arguments. */
export type EventMap = Record<string, unknown>;

export interface OnOptions {
  /** Aborting removes the listener. */
  signal?: AbortSignal;
  /** Remove the listener after its first call. */
  once?: boolean;
}

type Listener<T> = (event: T) => void;

interface Heard<Events extends EventMap> {
  readonly name: keyof Events;
  listeners: readonly Listener<never>[];
}

/**
 * The event side of every public object.
 *
 * Listeners run synchronously, in the order they were added. One that throws never breaks the
 * protocol that emitted: the error goes to `onListenerError`, which by default throws it in a turn
 * of its own, where the machine reports it.
 */
export class Emitter<Events extends EventMap> {
  /** Made for the first listener: many an object has none, and hardly one has more than a few names. */
  #heard: Heard<Events>[] | undefined;
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
    const heard = this.#heardOf(name);
    // Replaced, never changed, so that who emits walks over what was there when it began.
    const off = (): void => {
      heard.listeners = heard.listeners.filter((other) => other !== entry);
      options.signal?.removeEventListener('abort', off);
    };
    const entry: Listener<Events[K]> = options.once
      ? (event) => {
          off();
          listener(event);
        }
      : listener;
    if (!heard.listeners.includes(entry)) heard.listeners = [...heard.listeners, entry];
    options.signal?.addEventListener('abort', off, { once: true });
    return off;
  }

  /** For the owner only: public classes hold an Emitter, they do not extend one. */
  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    if (this.#heard === undefined) return;
    for (const heard of this.#heard) {
      if (heard.name !== name) continue;
      for (const listener of heard.listeners) {
        try {
          (listener as Listener<Events[K]>)(event);
        } catch (error) {
          this.#onListenerError(error, name);
        }
      }
      return;
    }
  }

  #heardOf(name: keyof Events): Heard<Events> {
    this.#heard ??= [];
    const known = this.#heard.find((heard) => heard.name === name);
    if (known !== undefined) return known;
    const heard: Heard<Events> = { name, listeners: [] };
    this.#heard.push(heard);
    return heard;
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
