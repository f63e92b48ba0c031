import { randomFillSync } from 'node:crypto';

const pool = new Uint8Array(8192);
/** What is longer is drawn by itself. */
const LONGEST_POOLED = 256;
let used = pool.length;

/** Fresh bytes from the system's generator, which is asked for many at once: each time costs as much as a hash. */
export function randomBytes(length: number): Uint8Array {
  if (length > LONGEST_POOLED) return randomFillSync(new Uint8Array(length));
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  pool.fill(0, used, used + length); // handed out: nothing that leaks the pool leaks it
  used += length;
  return bytes;
}
