import { type Millis, toBase64Url, utf8 } from '../../base/index.ts';
import type { Crypto } from '../../crypto/index.ts';
import { isSame, nonceCookie, SecurityFeature } from '../../stun/index.ts';

const SECRET_BYTES = 32;
/** Short answers make a poor amplifier: 64 bits cannot be guessed in a nonce's time. */
const MAC_BYTES = 8;
const STAMP_LETTERS = 4;
/** Letters of a nonce of ours. */
const NONCE_LETTERS: number = 13 + STAMP_LETTERS + Math.ceil((MAC_BYTES * 8) / 6);

/**
 * Nonces that need no memory: a time and its MAC, good for the client address they were made for and
 * nobody else. RFC 8489 §9.2, §14.10; RFC 8656 §5.
 */
export class Nonces {
  readonly #crypto: Pick<Crypto, 'hmacSha256' | 'randomBytes'>;
  readonly #secret: Uint8Array;
  readonly #lifetimeSec: number;
  readonly #cookie = nonceCookie(SecurityFeature.PasswordAlgorithms);

  constructor(crypto: Pick<Crypto, 'hmacSha256' | 'randomBytes'>, lifetimeSec: number) {
    this.#crypto = crypto;
    this.#secret = crypto.randomBytes(SECRET_BYTES);
    this.#lifetimeSec = lifetimeSec;
  }

  issue(now: Millis, client: string): string {
    return this.#make(Math.floor(now / 1000), client);
  }

  /** False when it is too old, not ours, or another client's. */
  isFresh(now: Millis, client: string, nonce: string): boolean {
    if (nonce.length !== NONCE_LETTERS) return false;
    const stamp = Number.parseInt(nonce.slice(13, 13 + STAMP_LETTERS), 36);
    if (!Number.isInteger(stamp)) return false;
    const second = this.#secondOf(Math.floor(now / 1000), stamp);
    const age = Math.floor(now / 1000) - second;
    return age <= this.#lifetimeSec && isSame(utf8(this.#make(second, client)), utf8(nonce));
  }

  /** Stamps come round after 36^4 seconds (19 days); the latest that fits is meant, and the MAC has all of it. */
  #secondOf(nowSec: number, stamp: number): number {
    const round = 36 ** STAMP_LETTERS;
    const second = nowSec - (nowSec % round) + stamp;
    return second > nowSec ? second - round : second;
  }

  #make(second: number, client: string): string {
    const mac = this.#crypto.hmacSha256(this.#secret, utf8(`${second} ${client}`));
    const stamp = ((second % 36 ** STAMP_LETTERS) + 36 ** STAMP_LETTERS) % 36 ** STAMP_LETTERS;
    const text = stamp.toString(36).padStart(STAMP_LETTERS, '0');
    return `${this.#cookie}${text}${toBase64Url(mac.subarray(0, MAC_BYTES))}`;
  }
}
