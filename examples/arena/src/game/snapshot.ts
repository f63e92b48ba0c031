import { rules } from './rules.ts';
import type { GameState, Phase, Ship, ShipId } from './state.ts';

/** What a client sees of one tick: positions rounded to what the bytes carry. */
export interface Snapshot {
  readonly tick: number;
  readonly phase: Phase;
  readonly phaseTicksLeft: number;
  readonly ships: readonly SnapshotShip[];
  readonly gems: readonly SnapshotGem[];
}

export type SnapshotShip = Ship & {
  /** Number of the newest thrust of its player that this tick knew (`Thrust.number`). */
  readonly ack: number;
};

export interface SnapshotGem {
  readonly id: number;
  readonly x: number;
  readonly y: number;
}

const FORMAT = 1;
const HEADER_BYTES = 9;
const SHIP_BYTES = 21;
const GEM_BYTES = 6;
/** A position is sent in 1/32 units, so 2048 units fit 16 bits; a heading in 1/127. */
const POSITION_SCALE = 32;
const HEADING_SCALE = 127;

/**
 * The largest snapshot: 562 bytes, under the ~1000 that one datagram of any wire carries.
 */
export const MAX_SNAPSHOT_BYTES: number =
  HEADER_BYTES + rules.maxShips * SHIP_BYTES + 1 + rules.gemsMax * GEM_BYTES;

/**
 * Big endian throughout; the layout is the order of the calls.
 * @param acks number of the newest thrust of each ship; default 0
 */
export function encodeSnapshot(
  state: GameState,
  acks: ReadonlyMap<ShipId, number> = new Map(),
): Uint8Array {
  const { ships, gems } = state;
  const bytes = new Uint8Array(
    HEADER_BYTES + ships.length * SHIP_BYTES + 1 + gems.length * GEM_BYTES,
  );
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT);
  view.setUint32(1, state.tick);
  view.setUint8(5, state.phase === 'play' ? 0 : 1);
  view.setUint16(6, state.phaseTicksLeft);
  view.setUint8(8, ships.length);
  let at = HEADER_BYTES;
  for (const ship of ships) {
    view.setUint32(at, ship.id);
    view.setUint16(at + 4, Math.round(ship.x * POSITION_SCALE));
    view.setUint16(at + 6, Math.round(ship.y * POSITION_SCALE));
    view.setInt16(at + 8, Math.round(ship.vx));
    view.setInt16(at + 10, Math.round(ship.vy));
    view.setInt8(at + 12, Math.round(ship.hx * HEADING_SCALE));
    view.setInt8(at + 13, Math.round(ship.hy * HEADING_SCALE));
    view.setUint16(at + 14, ship.score);
    view.setUint8(at + 16, ship.dash);
    view.setUint8(at + 17, ship.cooldown);
    view.setUint8(at + 18, ship.stun);
    view.setUint8(at + 19, ship.color);
    view.setUint8(at + 20, acks.get(ship.id) ?? 0);
    at += SHIP_BYTES;
  }
  view.setUint8(at, gems.length);
  at += 1;
  for (const gem of gems) {
    view.setUint16(at, gem.id);
    view.setUint16(at + 2, Math.round(gem.x * POSITION_SCALE));
    view.setUint16(at + 4, Math.round(gem.y * POSITION_SCALE));
    at += GEM_BYTES;
  }
  return bytes;
}

/** `undefined` for anything {@link encodeSnapshot} does not make: wrong length, format or counts. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot | undefined {
  if (bytes.length < HEADER_BYTES + 1 || bytes.length > MAX_SNAPSHOT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shipCount = view.getUint8(8);
  const gemsAt = HEADER_BYTES + shipCount * SHIP_BYTES;
  if (view.getUint8(0) !== FORMAT || shipCount > rules.maxShips || gemsAt >= bytes.length) {
    return undefined;
  }
  const gemCount = view.getUint8(gemsAt);
  if (bytes.length !== gemsAt + 1 + gemCount * GEM_BYTES) return undefined;
  return {
    tick: view.getUint32(1),
    phase: view.getUint8(5) === 0 ? 'play' : 'pause',
    phaseTicksLeft: view.getUint16(6),
    ships: Array.from({ length: shipCount }, (_, i) =>
      readShip(view, HEADER_BYTES + i * SHIP_BYTES),
    ),
    gems: Array.from({ length: gemCount }, (_, i) => readGem(view, gemsAt + 1 + i * GEM_BYTES)),
  };
}

function readShip(view: DataView, at: number): SnapshotShip {
  return {
    id: view.getUint32(at),
    x: view.getUint16(at + 4) / POSITION_SCALE,
    y: view.getUint16(at + 6) / POSITION_SCALE,
    vx: view.getInt16(at + 8),
    vy: view.getInt16(at + 10),
    hx: view.getInt8(at + 12) / HEADING_SCALE,
    hy: view.getInt8(at + 13) / HEADING_SCALE,
    score: view.getUint16(at + 14),
    dash: view.getUint8(at + 16),
    cooldown: view.getUint8(at + 17),
    stun: view.getUint8(at + 18),
    color: view.getUint8(at + 19),
    ack: view.getUint8(at + 20),
  };
}

function readGem(view: DataView, at: number): SnapshotGem {
  return {
    id: view.getUint16(at),
    x: view.getUint16(at + 2) / POSITION_SCALE,
    y: view.getUint16(at + 4) / POSITION_SCALE,
  };
}
