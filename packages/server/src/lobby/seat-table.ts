import { type App, appKey } from '../app/index.ts';
import { randomId } from '../base/index.ts';
import type { Store, Unsubscribe } from '../store/index.ts';
import type { Seat } from './seat.ts';
import type { LobbyEvent } from './state.ts';

/** What is said on a lobby's channel of the store. */
export type LobbyMessage =
  | { readonly type: 'changed'; readonly revision: number; readonly events: readonly LobbyEvent[] }
  | {
      readonly type: 'chatted';
      readonly from: number;
      readonly text: string;
      readonly atMs: number;
    };

/** The lobbies with a member on this node. */
interface LocalLobby {
  readonly seats: Map<number, Seat>;
  readonly subscribed: Promise<Unsubscribe>;
}

/**
 * The members whose sessions are on this node: by lobby, to tell them what happens, and by member
 * id, to pass on what they send each other.
 */
export class SeatTable {
  readonly #store: Store;
  readonly #onRemoved: (seat: Seat) => void;
  readonly #lobbies = new Map<string, LocalLobby>();
  readonly #members = new Map<string, Map<number, Seat>>();

  /** `onRemoved`: this session does not speak for this member any more. */
  constructor(store: Store, onRemoved: (seat: Seat) => void) {
    this.#store = store;
    this.#onRemoved = onRemoved;
  }

  /** Lobbies with a member here. */
  get size(): number {
    return this.#lobbies.size;
  }

  /** Of this app only: another app's member is nobody. */
  find(app: App, member: number): Seat | undefined {
    return this.#members.get(app.id)?.get(member);
  }

  /** An id that no member of the app has here. */
  freeMemberId(app: App): number {
    for (;;) {
      const id = randomId();
      if (!this.find(app, id)) return id;
    }
  }

  /** From when this settles the seat misses nothing. A seat of the same member is replaced. */
  async add(seat: Seat): Promise<void> {
    const { app } = seat.session;
    const key = appKey(app, 'lobby', seat.lobby);
    const local = this.#lobbies.get(key) ?? this.#openLobby(seat.lobby, key);
    const before = local.seats.get(seat.member);
    if (before) this.remove(before);
    this.#lobbies.set(key, local); // the removal may have closed the local
    local.seats.set(seat.member, seat);
    const members = this.#members.get(app.id) ?? new Map<number, Seat>();
    this.#members.set(app.id, members.set(seat.member, seat));
    seat.session.seats.set(seat.lobby, seat);
    await local.subscribed;
  }

  /** Idempotent. */
  remove(seat: Seat): void {
    const { app, seats } = seat.session;
    if (seats.get(seat.lobby) === seat) seats.delete(seat.lobby);
    if (this.find(app, seat.member) !== seat) return;
    this.#members.get(app.id)?.delete(seat.member);
    const key = appKey(app, 'lobby', seat.lobby);
    const local = this.#lobbies.get(key);
    local?.seats.delete(seat.member);
    if (local && local.seats.size === 0) {
      this.#lobbies.delete(key);
      void local.subscribed.then((unsubscribe) => unsubscribe());
    }
    this.#onRemoved(seat);
  }

  #openLobby(lobby: string, key: string): LocalLobby {
    const seats = new Map<number, Seat>();
    const subscribed = this.#store.subscribe(key, (message) => {
      // What is published on a lobby's channel is a message of ours.
      this.#tell(lobby, seats, message as LobbyMessage);
    });
    return { seats, subscribed };
  }

  #tell(lobby: string, seats: ReadonlyMap<number, Seat>, message: LobbyMessage): void {
    if (seats.size === 0) return;
    const revision = message.type === 'changed' ? message.revision : Number.POSITIVE_INFINITY;
    const frame = Buffer.from(notification(lobby, message));
    for (const seat of [...seats.values()]) seat.hear(revision, frame);
    if (message.type !== 'changed') return;
    for (const event of message.events) {
      const left = event.type === 'memberLeft' ? seats.get(event.member) : undefined;
      if (left) this.remove(left);
    }
  }
}

/** Written once, sent to every member. */
function notification(lobby: string, message: LobbyMessage): string {
  const { type, ...rest } = message;
  return JSON.stringify({ jsonrpc: '2.0', method: `lobby.${type}`, params: { lobby, ...rest } });
}
