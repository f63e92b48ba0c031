import type { Input } from './state.ts';

/** Thrust is sent in 1/127. */
const SCALE = 127;
export const INPUT_BYTES = 2;

/** Thrust only: a dash must not get lost, so it goes as a reliable rpc. */
export function encodeThrust(input: Pick<Input, 'x' | 'y'>): Uint8Array {
  return new Uint8Array(Int8Array.of(clamp(input.x), clamp(input.y)).buffer);
}

/** `undefined` unless exactly {@link INPUT_BYTES} long. */
export function decodeThrust(bytes: Uint8Array): { x: number; y: number } | undefined {
  if (bytes.length !== INPUT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { x: clampUnit(view.getInt8(0) / SCALE), y: clampUnit(view.getInt8(1) / SCALE) };
}

function clamp(value: number): number {
  return Number.isFinite(value) ? Math.round(clampUnit(value) * SCALE) : 0;
}

function clampUnit(value: number): number {
  return Math.min(1, Math.max(-1, value));
}
