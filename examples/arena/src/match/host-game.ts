import {
  addShip,
  decodeThrust,
  encodeSnapshot,
  type GameEvent,
  type GameState,
  type Input,
  newGame,
  removeShip,
  type ShipId,
  step,
  type Thrust,
  TICK_SECONDS,
} from '../game/index.ts';

export interface Tick {
  readonly snapshot: Uint8Array;
  readonly events: readonly GameEvent[];
}

/**
 * The authority: holds the state, takes what players want, and makes ticks. Knows no network; what
 * it is handed may come from a cheat, so a ship only does what its own player asked for.
 */
export class HostGame {
  #state: GameState;
  readonly #thrust = new Map<ShipId, Thrust>();
  readonly #dashes = new Set<ShipId>();
  /** Scores of this round's players who are away: whoever comes back plays on with the old one. */
  readonly #scores = new Map<ShipId, number>();

  constructor(seed: number) {
    this.#state = newGame(seed);
  }

  get state(): GameState {
    return this.#state;
  }

  join(id: ShipId): void {
    this.#state = addShip(this.#state, id, this.#scores.get(id) ?? 0);
    this.#scores.delete(id);
  }

  /** `forget` for players who will not come back. */
  leave(id: ShipId, forget = false): void {
    const ship = this.#state.ships.find((candidate) => candidate.id === id);
    if (ship && !forget) this.#scores.set(id, ship.score);
    if (forget) this.#scores.delete(id);
    this.#state = removeShip(this.#state, id);
    this.#thrust.delete(id);
    this.#dashes.delete(id);
  }

  /** Bytes of `encodeThrust`; others are dropped. The newest counts until the next. */
  thrust(id: ShipId, bytes: Uint8Array): void {
    const thrust = decodeThrust(bytes);
    if (thrust && this.#plays(id)) this.#thrust.set(id, thrust);
  }

  /** For the next tick only: a dash that cannot start then is forgotten. */
  dash(id: ShipId): void {
    if (this.#plays(id)) this.#dashes.add(id);
  }

  tick(): Tick {
    const inputs = new Map<ShipId, Input>();
    for (const { id } of this.#state.ships) {
      const { x, y } = this.#thrust.get(id) ?? { x: 0, y: 0 };
      inputs.set(id, { x, y, dash: this.#dashes.has(id) });
    }
    this.#dashes.clear();
    this.#state = step(this.#state, inputs, TICK_SECONDS);
    if (this.#state.events.some((event) => event.type === 'roundStarted')) this.#scores.clear();
    const acks = new Map([...this.#thrust].map(([id, { number }]) => [id, number]));
    return { snapshot: encodeSnapshot(this.#state, acks), events: this.#state.events };
  }

  #plays(id: ShipId): boolean {
    return this.#state.ships.some((ship) => ship.id === id);
  }
}
