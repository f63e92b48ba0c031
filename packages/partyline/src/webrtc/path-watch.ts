import type { Cancel, Scheduler } from '../base/index.ts';
import type { Attempt } from './attempt.ts';

export interface PathWatchHandlers {
  onLost(): void;
  onRestored(): void;
  /** ICE had a path, and DTLS stood still or failed. Before the session is open only. */
  onHandshakeBroken(reason: string): void;
  onGivenUp(reason: string): void;
}

export interface PathWatchTiming {
  readonly restartAfterMs: number;
  readonly giveUpAfterMs: number;
}

/**
 * A healthy handshake after ICE takes four round trips (DTLS 1.2 two, SCTP two); the signals' round
 * trip stands for the path's. Not sooner than 100 ms: docs/adr/0027.
 */
const STALL_ROUND_TRIPS = 6;
const MIN_STALL_MS = 100;
const MAX_STALL_MS = 1500;

/** Reads the states of one connection after another, and says when to restart and when to end. */
export class PathWatch {
  readonly #scheduler: Scheduler;
  readonly #timing: PathWatchTiming;
  readonly #handlers: PathWatchHandlers;
  #timers: Cancel[] = [];
  #isLost = false;
  #hadPath = false;
  #restarts = 0;

  constructor(scheduler: Scheduler, timing: PathWatchTiming, handlers: PathWatchHandlers) {
    this.#scheduler = scheduler;
    this.#timing = timing;
    this.#handlers = handlers;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Before another connection, and at the end. */
  reset(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
    this.#isLost = false;
    this.#hadPath = false;
  }

  restart(attempt: Attempt): void {
    if (!attempt.canRestartIce()) return;
    this.#restarts += 1;
    attempt.restartIce();
  }

  stateChanged(attempt: Attempt, isOpen: boolean): void {
    const { connectionState, iceConnectionState } = attempt.connection;
    const states = [connectionState, iceConnectionState];
    const isOver = states.includes('failed') || states.includes('closed');
    if (isOver && isOpen) this.#handlers.onGivenUp('the path is gone');
    else if (iceConnectionState === 'failed') this.#handlers.onGivenUp('ICE found no path');
    else if (isOver) this.#handlers.onHandshakeBroken('DTLS failed');
    else if (!isOpen) this.#watchHandshake(attempt);
    else if (states.includes('disconnected')) this.#lost(attempt);
    else if (this.#isLost && connectionState === 'connected') this.#restored();
  }

  #watchHandshake(attempt: Attempt): void {
    const { iceConnectionState } = attempt.connection;
    const hasPath = iceConnectionState === 'connected' || iceConnectionState === 'completed';
    if (this.#hadPath || !hasPath) return;
    this.#hadPath = true;
    if (!attempt.isBetweenLibdatachannels()) return;
    const expectedMs = STALL_ROUND_TRIPS * (attempt.roundTripMs ?? 0);
    const stallMs = Math.min(MAX_STALL_MS, Math.max(MIN_STALL_MS, expectedMs));
    this.#after(stallMs, () => {
      const isStill = attempt.connection.connectionState === 'connecting';
      if (isStill) this.#handlers.onHandshakeBroken('the DTLS handshake stalled');
    });
  }

  #lost(attempt: Attempt): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#after(this.#timing.restartAfterMs, () => this.restart(attempt));
    this.#after(this.#timing.giveUpAfterMs, () => this.#handlers.onGivenUp('ICE lost the path'));
    this.#handlers.onLost();
  }

  #restored(): void {
    this.reset();
    this.#handlers.onRestored();
  }

  #after(delayMs: number, callback: () => void): void {
    this.#timers.push(this.#scheduler.after(delayMs, callback));
  }
}
