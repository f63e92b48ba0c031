import { draw } from './random.ts';
import { rules } from './rules.ts';
import type { GameEvent, GameState, Gem, Phase, Ship } from './state.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type DraftShip = Mutable<Ship>;
export type DraftGem = Mutable<Gem>;

/**
 * A private copy of a state that one step changes in place; {@link Draft.finish} freezes the
 * result's shape. Keeps `step` pure outside and free of spread-per-field inside.
 */
export class Draft {
  readonly tick: number;
  phase: Phase;
  phaseTicksLeft: number;
  ships: DraftShip[];
  gems: DraftGem[];
  readonly events: GameEvent[] = [];
  #random: number;
  #nextGem: number;

  constructor(state: GameState, tick: number) {
    this.tick = tick;
    this.phase = state.phase;
    this.phaseTicksLeft = state.phaseTicksLeft;
    this.ships = state.ships.map((ship) => ({ ...ship }));
    this.gems = state.gems.map((gem) => ({ ...gem }));
    this.#random = state.random;
    this.#nextGem = state.nextGem;
  }

  /** From `low` inclusive to `high` exclusive. */
  between(low: number, high: number): number {
    const { value, next } = draw(this.#random);
    this.#random = next;
    return low + value * (high - low);
  }

  /** Not over {@link rules.gemsMax}: then nothing is added. */
  addGem(gem: Omit<DraftGem, 'id'>): void {
    if (this.gems.length >= rules.gemsMax) return;
    this.gems.push({ id: this.#nextGem, ...gem });
    this.#nextGem = (this.#nextGem + 1) & 0xffff;
  }

  addGemSomewhere(): void {
    const margin = rules.gemRadius * 4;
    const x = this.between(margin, rules.width - margin);
    const y = this.between(margin, rules.height - margin);
    this.addGem({ x, y, vx: 0, vy: 0, shy: 0 });
  }

  /** A place to start, inside the middle two thirds. */
  somewhere(): { x: number; y: number } {
    const x = this.between(rules.width / 6, (rules.width * 5) / 6);
    return { x, y: this.between(rules.height / 6, (rules.height * 5) / 6) };
  }

  finish(): GameState {
    return {
      tick: this.tick,
      random: this.#random,
      phase: this.phase,
      phaseTicksLeft: this.phaseTicksLeft,
      ships: this.ships,
      gems: this.gems,
      nextGem: this.#nextGem,
      events: this.events,
    };
  }
}
