/** A small seeded generator of numbers in [0, 1): for tests only, never for keys. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same as bytes, in the shape of `Crypto.randomBytes`: one seed, one run. */
export function seededBytes(seed: number): (length: number) => Uint8Array {
  const random = mulberry32(seed);
  return (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
}
