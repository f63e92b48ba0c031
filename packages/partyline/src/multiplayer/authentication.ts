import type { Cancel, Scheduler } from '../base/index.ts';
import type { PeerId } from './multiplayer-peer.ts';

interface Pending {
  local: boolean;
  remote: boolean;
  readonly cancel: Cancel;
}

/** Peers that have connected and not yet satisfied both sides (Godot's `pending_peers`). */
export class Authentication {
  readonly #pending = new Map<PeerId, Pending>();

  get peers(): PeerId[] {
    return [...this.#pending.keys()].sort((a, b) => a - b);
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  has(id: PeerId): boolean {
    return this.#pending.has(id);
  }

  /** `timeoutMs` 0: no time-out. */
  start(id: PeerId, scheduler: Scheduler, timeoutMs: number, onTimeout: () => void): void {
    const cancel = timeoutMs > 0 ? scheduler.after(timeoutMs, onTimeout) : (): void => {};
    this.#pending.set(id, { local: false, remote: false, cancel });
  }

  /** True when now both sides are satisfied; then the peer is not pending any more. */
  complete(id: PeerId, side: 'local' | 'remote'): boolean {
    const pending = this.#pending.get(id);
    if (!pending) return false;
    pending[side] = true;
    return pending.local && pending.remote && this.end(id);
  }

  /** Whether this side said it is satisfied. */
  isLocalComplete(id: PeerId): boolean {
    return this.#pending.get(id)?.local ?? false;
  }

  /** False when it was not pending. */
  end(id: PeerId): boolean {
    this.#pending.get(id)?.cancel();
    return this.#pending.delete(id);
  }

  clear(): void {
    for (const id of this.peers) this.end(id);
  }
}
