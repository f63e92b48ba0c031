import { ByteWriter, type Millis, utf8 } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';

/** The unit of a challenge's age, as in GNS: 2^20 µs, in ms. */
const TICK_MS = 2 ** 20 / 1000;
/** A challenge is good for so many ticks (GNS: 4 s). */
const MAX_AGE_TICKS = 3;

/**
 * Proves that a client can receive at its address without keeping anything of it: a MAC over time
 * and address, with the time in its low 16 bits. GNS takes SipHash; the client only echoes it.
 */
export class ChallengeIssuer {
  readonly #crypto: Crypto;
  readonly #secret: Uint8Array;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
    this.#secret = crypto.randomBytes(32);
  }

  issue(now: Millis, address: string): bigint {
    return this.#challenge(tick(now), address);
  }

  isValid(now: Millis, address: string, challenge: bigint): boolean {
    const then = Number(challenge & 0xffffn);
    const age = (tick(now) - then) & 0xffff;
    return age <= MAX_AGE_TICKS && this.#challenge(then, address) === challenge;
  }

  #challenge(time: number, address: string): bigint {
    const input = new ByteWriter(64).u16le(time).bytes(utf8(address)).finish();
    const mac = this.#crypto.hmacSha256(this.#secret, input);
    const high = new DataView(mac.buffer, mac.byteOffset).getBigUint64(0, true);
    return (high & ~0xffffn) | BigInt(time);
  }
}

function tick(now: Millis): number {
  return Math.floor(now / TICK_MS) & 0xffff;
}
