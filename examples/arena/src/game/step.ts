import { Draft } from './draft.ts';
import { collectGems, flyGems, growGems } from './gems.ts';
import { rules } from './rules.ts';
import { collideShips, flyShip } from './ships.ts';
import { type GameState, type Input, idle, leader, type ShipId } from './state.ts';

export type Inputs = ReadonlyMap<ShipId, Input>;

/** A game nobody plays yet. Equal seeds (unsigned 32 bits) and inputs give equal games. */
export function newGame(seed: number): GameState {
  const draft = new Draft(
    {
      tick: 0,
      random: seed >>> 0,
      phase: 'play',
      phaseTicksLeft: rules.roundTicks,
      ships: [],
      gems: [],
      nextGem: 0,
      events: [],
    },
    0,
  );
  for (let i = 0; i < rules.gemsAtStart; i += 1) draft.addGemSomewhere();
  return draft.finish();
}

/** Adds a ship, with the score of a returning player. A full game or a known id changes nothing. */
export function addShip(state: GameState, id: ShipId, score = 0): GameState {
  if (state.ships.length >= rules.maxShips || state.ships.some((ship) => ship.id === id)) {
    return state;
  }
  const draft = new Draft(state, state.tick);
  const { x, y } = draft.somewhere();
  const still = { vx: 0, vy: 0, hx: 1, hy: 0, dash: 0, cooldown: 0, stun: 0 };
  draft.ships.push({ id, color: freeColor(state), x, y, score, ...still });
  draft.ships.sort((a, b) => a.id - b.id);
  return draft.finish();
}

function freeColor(state: GameState): number {
  const taken = new Set(state.ships.map((ship) => ship.color));
  let color = 0;
  while (taken.has(color)) color += 1;
  return color;
}

export function removeShip(state: GameState, id: ShipId): GameState {
  return { ...state, ships: state.ships.filter((ship) => ship.id !== id) };
}

/** The game one tick of `dt` seconds later. Pure: `state` is not touched. */
export function step(state: GameState, inputs: Inputs, dt: number): GameState {
  const draft = new Draft(state, state.tick + 1);
  draft.phaseTicksLeft -= 1;
  for (const ship of draft.ships) {
    // Between rounds ships drift: thrust and dashes count only while playing.
    const input = (draft.phase === 'play' && inputs.get(ship.id)) || idle;
    const dashes = flyShip(ship, input, dt);
    if (dashes) draft.events.push({ type: 'dashed', ship: ship.id });
  }
  collideShips(draft);
  flyGems(draft, dt);
  if (draft.phase === 'play') {
    collectGems(draft);
    growGems(draft);
  }
  if (draft.phaseTicksLeft <= 0) turnPhase(draft);
  return draft.finish();
}

function turnPhase(draft: Draft): void {
  if (draft.phase === 'play') {
    draft.phase = 'pause';
    draft.phaseTicksLeft = rules.pauseTicks;
    const winner = leader(draft.ships);
    draft.events.push({ type: 'roundOver', winner: winner?.id, score: winner?.score ?? 0 });
    return;
  }
  draft.phase = 'play';
  draft.phaseTicksLeft = rules.roundTicks;
  draft.gems = [];
  for (let i = 0; i < rules.gemsAtStart; i += 1) draft.addGemSomewhere();
  for (const ship of draft.ships) {
    Object.assign(ship, draft.somewhere(), { vx: 0, vy: 0, score: 0, dash: 0, stun: 0 });
  }
  draft.events.push({ type: 'roundStarted' });
}
