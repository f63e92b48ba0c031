/**
 * The number nearest to `near` whose low `bits` bits are `low` (GNS `NearestWithSameLowerBits`).
 * A tie goes down. May be negative near zero: the caller judges.
 */
export function nearestWithLowBits(low: number, bits: number, near: number): number {
  const range = rangeOf(bits);
  // Whole numbers stay small ones in the first case, which every packet takes several times.
  const up = bits < 31 ? (low - near) & (range - 1) : (((low - near) % range) + range) % range;
  return near + (up >= range / 2 ? up - range : up);
}

/** How many numbers so many bits tell apart. A power that is not known in advance is a call of C. */
export function rangeOf(bits: number): number {
  return bits < 31 ? 1 << bits : 2 ** bits;
}

/** Bytes of a LEB128 number. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}
