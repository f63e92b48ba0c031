import { deferred, NetError, type Scheduler } from '../base/index.ts';
import { MAX_PENDING_CALLS } from './control-channel.ts';

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/** Where calls wait while a session reconnects: at most {@link MAX_PENDING_CALLS}, each with its own end. */
export class OpenGate {
  readonly #scheduler: Scheduler;
  readonly #waiting = new Set<Waiting>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Resolves at the next {@link OpenGate.open}; rejects on time-out, abort or {@link OpenGate.fail}. */
  wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.size >= MAX_PENDING_CALLS) {
      const message = `more than ${MAX_PENDING_CALLS} calls wait for the connection`;
      return Promise.reject(new NetError('RATE_LIMITED', message));
    }
    const opened = deferred<void>();
    const settle = (): void => {
      this.#waiting.delete(entry);
      cancelTimer();
      signal?.removeEventListener('abort', abort);
    };
    const entry: Waiting = {
      resolve: () => {
        settle();
        opened.resolve();
      },
      reject: (error) => {
        settle();
        opened.reject(error);
      },
    };
    const abort = (): void => entry.reject(signal?.reason);
    const cancelTimer = this.#scheduler.after(timeoutMs, () =>
      entry.reject(new NetError('CONNECT_TIMEOUT', 'no connection in time; nothing was sent')),
    );
    signal?.addEventListener('abort', abort, { once: true });
    this.#waiting.add(entry);
    return opened.promise;
  }

  open(): void {
    for (const entry of [...this.#waiting]) entry.resolve();
  }

  fail(error: NetError): void {
    for (const entry of [...this.#waiting]) entry.reject(error);
  }
}
