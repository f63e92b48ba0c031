/** A player's number in the match: its peer id. */
export type ShipId = number;

export interface Ship {
  readonly id: ShipId;
  /** 0 to `maxShips` − 1, unlike that of any other ship. */
  readonly color: number;
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  /** Where the nose points: a unit vector. */
  readonly hx: number;
  readonly hy: number;
  readonly score: number;
  /** Ticks of the running dash that are left. */
  readonly dash: number;
  /** Ticks until the next dash may start. */
  readonly cooldown: number;
  /** Ticks until a rammed ship can steer again. */
  readonly stun: number;
}

export interface Gem {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  /** Ticks until it can be taken. */
  readonly shy: number;
}

/** `play` counts down to `pause`, which shows the winner and counts down to the next round. */
export type Phase = 'play' | 'pause';

/** What happened in the newest tick, for sounds, sparks and the feed. */
export type GameEvent =
  | { readonly type: 'rammed'; readonly by: ShipId; readonly ship: ShipId; readonly gems: number }
  | { readonly type: 'dashed'; readonly ship: ShipId }
  | { readonly type: 'collected'; readonly ship: ShipId; readonly gem: number }
  | { readonly type: 'roundOver'; readonly winner: ShipId | undefined; readonly score: number }
  | { readonly type: 'roundStarted' };

export interface GameState {
  readonly tick: number;
  /** Of {@link draw}. */
  readonly random: number;
  readonly phase: Phase;
  readonly phaseTicksLeft: number;
  /** Ascending by id, so that the order of joining changes nothing. */
  readonly ships: readonly Ship[];
  readonly gems: readonly Gem[];
  readonly nextGem: number;
  readonly events: readonly GameEvent[];
}

/** What a player wants for one tick. */
export interface Input {
  /** Thrust, each −1 to 1; longer than a unit vector is shortened. */
  readonly x: number;
  readonly y: number;
  /** Starts a dash when the ship can. */
  readonly dash: boolean;
}

export const idle: Input = { x: 0, y: 0, dash: false };

/** The best score; ties go to nobody, and so does a round without a gem. */
export function leader(ships: readonly Ship[]): Ship | undefined {
  const best = Math.max(0, ...ships.map((ship) => ship.score));
  const first = ships.filter((ship) => ship.score === best);
  return best > 0 && first.length === 1 ? first[0] : undefined;
}

/** Highest first; equal scores in order of id. */
export function ranking(ships: readonly Ship[]): Ship[] {
  return [...ships].sort((a, b) => b.score - a.score || a.id - b.id);
}
