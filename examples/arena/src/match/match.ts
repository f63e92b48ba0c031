import type { MultiplayerPeer } from 'partyline';
import type { GameEvent, Ship, ShipId } from '../game/index.ts';
import type { History } from './history.ts';

/** How a link to another player does at the moment. */
export interface LinkStats {
  readonly wire: string;
  readonly pingMs: number | undefined;
}

export interface MatchHandlers {
  /** What happened in `tick`; it is drawn when the picture gets there. */
  onEvents(events: readonly GameEvent[], tick: number): void;
  /** The match is over for this player: the host left, or the link to it broke. Once; nothing follows. */
  onEnded(reason: string): void;
}

/** One game between the players of a lobby, seen from one of them: as its host or as a client. */
export interface Match {
  readonly self: ShipId;
  readonly isHost: boolean;
  readonly history: History;
  /** Where the own ship is pushed, until told otherwise. */
  steer(thrust: { readonly x: number; readonly y: number }): void;
  dash(): void;
  /** To be called `rules.ticksPerSecond` times a second. `nowMs` as of `performance.now()`. */
  tick(nowMs: number): void;
  /** The own ship ahead of what the host has said; `undefined` where nothing has to be predicted. */
  predicted(nowMs: number): Ship | undefined;
  /** To the host, of any player: the host tells the others. `undefined` for the host's own and while unknown. */
  link(id: ShipId): LinkStats | undefined;
  /** Host only: who will not come back loses the score. */
  forget(id: ShipId): void;
  close(reason: string): Promise<void>;
}

export function linkStats(peer: MultiplayerPeer, id: ShipId): LinkStats | undefined {
  const stats = peer.stats(id);
  return stats && { wire: stats.wire, pingMs: stats.pingMs };
}
