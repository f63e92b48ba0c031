import { hash, timingSafeEqual } from 'node:crypto';
import { nodeCrypto } from 'partyline/node';

/** Fresh bytes from the system's generator. */
export function randomBytes(length: number): Uint8Array {
  return nodeCrypto.randomBytes(length);
}

/** So many random bytes as base64url. */
export function randomText(bytes: number): string {
  return Buffer.from(randomBytes(bytes)).toString('base64url');
}

/** 2 to 2^31 - 1: a number of Godot's for a peer, and never its server's. */
export function randomId(): number {
  for (;;) {
    const [a = 0, b = 0, c = 0, d = 0] = randomBytes(4);
    const id = ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
    if (id > 1) return id;
  }
}

/** What is stored of a bearer secret: its SHA-256, so that a leaked store opens nothing. */
export function secretHash(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** Compares without telling by its time where the texts differ. */
export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
