import type { GameEvent, Snapshot } from '../game/index.ts';
import type { App } from './app.ts';
import type { RoomPhase } from './room.ts';
import { linkToHost } from './room-view.ts';

/** `window.arena`: what the page sees, for tests and for the curious. Read only; README.md describes it. */
export interface ArenaInspection {
  /** `home` outside of a lobby. */
  readonly phase: RoomPhase | 'home';
  readonly player: string | undefined;
  readonly lobby:
    | {
        readonly id: string;
        readonly code: string;
        readonly epoch: number;
        readonly isOwner: boolean;
        readonly me: number;
        readonly members: readonly {
          readonly id: number;
          readonly peer: number;
          readonly name: string;
          readonly connected: boolean;
        }[];
      }
    | undefined;
  /** The own ship's id: the peer id. */
  readonly self: number | undefined;
  /** The newest tick seen; −1 before the first. */
  readonly tick: number;
  /** The state of one tick of the last half minute, as host and clients have it alike. */
  at(tick: number): Snapshot | undefined;
  /** The newest 100 things that the host told to have happened. */
  readonly events: readonly { readonly tick: number; readonly event: GameEvent }[];
  /** Peer id → `webrtc`, `relay` …: how each client reaches the host, where that is known. */
  readonly wires: Readonly<Record<number, string>>;
}

declare global {
  interface Window {
    arena: ArenaInspection;
  }
}

export function inspect(app: App): ArenaInspection {
  return {
    get phase() {
      return app.room?.phase ?? 'home';
    },
    get player() {
      return app.session?.player;
    },
    get lobby() {
      const lobby = app.room?.lobby;
      if (!lobby) return undefined;
      const { id, code, epoch, isOwner } = lobby;
      const members = lobby.members.map(({ id, peer, name, connected }) => {
        return { id, peer, name, connected };
      });
      return { id, code, epoch, isOwner, me: lobby.me.id, members };
    },
    get self() {
      return app.room?.match?.self;
    },
    get tick() {
      return app.room?.match?.history.latest?.tick ?? -1;
    },
    at: (tick) => app.room?.match?.history.at(tick),
    get events() {
      return app.room?.events ?? [];
    },
    get wires() {
      const match = app.room?.match;
      const links = (app.room?.lobby.members ?? []).flatMap((member) => {
        const link = linkToHost(member, match);
        return link ? [[member.peer, link.wire] as const] : [];
      });
      return Object.fromEntries(links);
    },
  };
}
