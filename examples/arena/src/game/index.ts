export { decodeThrust, encodeThrust, type Thrust } from './input-codec.ts';
export { rules, TICK_SECONDS } from './rules.ts';
export { fly } from './ships.ts';
export {
  decodeSnapshot,
  encodeSnapshot,
  MAX_SNAPSHOT_BYTES,
  type Snapshot,
  type SnapshotShip,
} from './snapshot.ts';
export {
  type GameEvent,
  type GameState,
  type Gem,
  type Input,
  idle,
  leader,
  type Phase,
  ranking,
  type Ship,
  type ShipId,
} from './state.ts';
export { addShip, type Inputs, newGame, removeShip, step } from './step.ts';
