import type { Input } from './state.ts';

/** A push and its number: dashes are not here, they must not get lost and go as a reliable rpc. */
export type Thrust = Pick<Input, 'x' | 'y'> & {
  /** Goes up by one with each, modulo 256; comes back as `SnapshotShip.ack`. */
  readonly number: number;
};

/** Thrust is sent in 1/127. */
const SCALE = 127;
const THRUST_BYTES = 3;

export function encodeThrust({ number, x, y }: Thrust): Uint8Array {
  return Uint8Array.of(number & 0xff, quantised(x), quantised(y));
}

/** `undefined` unless it has the right length. */
export function decodeThrust(bytes: Uint8Array): Thrust | undefined {
  if (bytes.length !== THRUST_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (at: number): number => clampUnit(view.getInt8(at) / SCALE);
  return { number: view.getUint8(0), x: read(1), y: read(2) };
}

/** As the byte that carries it; nought for what is no number. */
function quantised(value: number): number {
  return Number.isFinite(value) ? Math.round(clampUnit(value) * SCALE) & 0xff : 0;
}

function clampUnit(value: number): number {
  return Math.min(1, Math.max(-1, value));
}
