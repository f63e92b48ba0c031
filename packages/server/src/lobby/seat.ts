import type { App } from '../app/index.ts';
import type { SessionRecord } from '../identity/index.ts';

/** A session with a socket on this node, as the lobbies see it. */
export interface LiveSession {
  readonly app: App;
  readonly record: SessionRecord;
  /** What failed joins are counted by. */
  readonly addressKey: string;
  /** Its seats: lobby id → seat. Kept by the {@link SeatTable}. */
  readonly seats: Map<string, Seat>;
  /** Joins under way; they count against the limit of lobbies. */
  joining: number;
  /** True once its socket is gone: no seat taken later may count as connected. */
  readonly isClosed: boolean;
  /** Sends a text frame, given as UTF-8; never blocks. */
  sendText(frame: Uint8Array): void;
  /** Sends a binary frame; false when it was dropped. */
  sendSignal(frame: Uint8Array): boolean;
}

interface Held {
  readonly revision: number;
  readonly frame: Uint8Array;
}

/**
 * A member whose session is on this node. Closed until its session was told the lobby's state: what
 * happens before that waits here, so that no event overtakes the answer and none is lost.
 */
export class Seat {
  readonly lobby: string;
  readonly member: number;
  readonly session: LiveSession;
  #waiting: Held[] | undefined = [];

  constructor(lobby: string, member: number, session: LiveSession) {
    this.lobby = lobby;
    this.member = member;
    this.session = session;
  }

  /** `revision` of a change; a chat line, which has none, comes as `Infinity`. */
  hear(revision: number, frame: Uint8Array): void {
    if (this.#waiting) this.#waiting.push({ revision, frame });
    else this.session.sendText(frame);
  }

  /** The session knows the lobby as of `revision`: tell it what came after. */
  open(revision: number): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const held of waiting) {
      if (held.revision > revision) this.session.sendText(held.frame);
    }
  }
}
