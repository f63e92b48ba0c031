import type { WebSocket } from 'ws';
import type { Cancel, Clock } from './clock.ts';

/** Unanswered pings that end a socket. */
const MAX_MISSED = 2;

/** Pings every socket it is given and ends those that stopped answering; one timer for all. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #missed = new Map<WebSocket, number>();
  #cancel: Cancel;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#cancel = this.#arm();
  }

  /** Until it closes. */
  watch(ws: WebSocket): void {
    this.#missed.set(ws, 0);
    ws.on('pong', () => this.#missed.set(ws, 0));
    ws.on('close', () => this.#missed.delete(ws));
  }

  close(): void {
    this.#cancel();
  }

  #arm(): Cancel {
    return this.#clock.after(this.#intervalMs, () => {
      this.#pingAll();
      this.#cancel = this.#arm();
    });
  }

  #pingAll(): void {
    for (const [ws, missed] of this.#missed) {
      if (missed >= MAX_MISSED) {
        ws.terminate(); // its close event does the rest
      } else {
        this.#missed.set(ws, missed + 1);
        if (ws.readyState === ws.OPEN) ws.ping();
      }
    }
  }
}
