import type { App } from '../app/index.ts';
import { TokenBucket } from '../base/index.ts';
import type { SessionRecord } from '../identity/index.ts';
import type { LiveSession, Seat } from '../lobby/index.ts';
import type { ControlSocket } from './control-socket.ts';
import type { Services } from './services.ts';

/** A session while its socket is open. */
export class ControlSession implements LiveSession {
  readonly app: App;
  readonly record: SessionRecord;
  readonly addressKey: string;
  readonly seats: Map<string, Seat> = new Map();
  joining = 0;
  readonly chatRate: TokenBucket;
  readonly listRate: TokenBucket;
  readonly inviteRate: TokenBucket;
  readonly #signalRate: TokenBucket;
  readonly #services: Services;
  readonly #socket: ControlSocket;
  #isClosed = false;
  #isHeard: boolean;
  #confirmed: Promise<void> = Promise.resolve();
  #unwatch: (() => void) | undefined;

  constructor(services: Services, app: App, record: SessionRecord, socket: ControlSocket) {
    this.app = app;
    this.record = record;
    this.addressKey = socket.client.addressKey;
    this.#services = services;
    this.#socket = socket;
    this.#isHeard = record.previousHash === undefined;
    const { chat, list, invite, signal } = services.config.rateLimits;
    const nowMs = services.clock.nowMs();
    this.chatRate = new TokenBucket(chat, nowMs);
    this.listRate = new TokenBucket(list, nowMs);
    this.inviteRate = new TokenBucket(invite, nowMs);
    this.#signalRate = new TokenBucket(signal, nowMs);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends this socket once the session is resumed on another. */
  async watch(): Promise<void> {
    const { sessions, turn } = this.#services;
    turn()?.resume(this.record.id);
    this.#unwatch = await sessions.watch(this.app, this.record, () => {
      this.#socket.end('SESSION_REPLACED', 'this session was resumed elsewhere');
    });
  }

  /** A frame of the client came in: whatever token it resumed with is spent. */
  heard(): void {
    if (this.#isHeard) return;
    this.#isHeard = true;
    this.#confirmed = this.#services.sessions
      .confirm(this.app, this.record)
      .catch((error: unknown) => {
        this.#services.logger.error({ err: error }, 'confirming a resume failed');
      });
  }

  sendText(frame: Uint8Array): void {
    this.#socket.sendText(frame);
  }

  sendSignal(frame: Uint8Array): boolean {
    return this.#socket.sendSignal(frame);
  }

  /** False when it was over the rate. */
  forwardSignal(frame: Uint8Array): boolean {
    const { signals, clock } = this.#services;
    const mayPass = (): boolean => this.#signalRate.take(clock.nowMs());
    return signals.forward(this, frame, mayPass) !== 'rateLimited';
  }

  /** The socket is gone: seats are held, the session waits for a resume. */
  async drop(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unwatch?.();
    await this.#services.lobbies.drop(this);
    await this.#confirmed; // a write that came later would take the end off the record again
    const left = await this.#services.sessions.drop(this.app, this.record);
    if (left === 'held') this.#services.turn()?.drop(this.record.id);
    else if (left === 'over') this.#services.turn()?.end(this.record.id);
  }

  /** For good: seats are free, no resume. */
  async logout(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch?.();
    this.#services.turn()?.end(this.record.id);
    await this.#confirmed;
    try {
      await this.#services.sessions.end(this.app, this.record);
    } finally {
      await this.#services.lobbies.leaveAll(this);
    }
  }
}
