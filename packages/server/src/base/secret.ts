import { createHash, randomFillSync, timingSafeEqual } from 'node:crypto';

const pool = new Uint8Array(8192);
let used = pool.length;

/** Fresh bytes from the system's generator, which is asked for many at once. */
export function randomBytes(length: number): Uint8Array {
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  pool.fill(0, used, used + length); // handed out: nothing that leaks the pool leaks it
  used += length;
  return bytes;
}

/** So many random bytes as base64url. */
export function randomText(bytes: number): string {
  return Buffer.from(randomBytes(bytes)).toString('base64url');
}

/** 1 to 2^32 - 1. */
export function randomId(): number {
  for (;;) {
    const [a = 0, b = 0, c = 0, d = 0] = randomBytes(4);
    const id = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (id !== 0) return id;
  }
}

/** What is stored of a bearer secret: its SHA-256, so that a leaked store opens nothing. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Compares without telling by its time where the texts differ. */
export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
