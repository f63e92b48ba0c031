import { type Millis, toBase64Url } from '../../base/index.ts';
import { type AddressFamily, RESERVATION_TOKEN_BYTES } from '../index.ts';

interface Reservation {
  readonly player: string;
  readonly family: AddressFamily;
  readonly port: number;
  readonly untilMs: Millis;
}

/** Ports kept for the holder of a token: RFC 8656 §7.2. As many as there are ports, so no limit of its own. */
export class Reservations {
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #byToken = new Map<string, Reservation>();

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  get size(): number {
    return this.#byToken.size;
  }

  /** The token, 8 bytes. */
  make(reservation: Reservation): Uint8Array {
    const token = this.#randomBytes(RESERVATION_TOKEN_BYTES);
    this.#byToken.set(toBase64Url(token), reservation);
    return token;
  }

  /** Used up by this; `undefined` when it is unknown, over, or another player's. */
  redeem(now: Millis, token: Uint8Array, player: string): Reservation | undefined {
    const key = toBase64Url(token);
    const found = this.#byToken.get(key);
    if (!found || found.untilMs <= now || found.player !== player) return undefined;
    this.#byToken.delete(key);
    return found;
  }

  /** Those whose time is over; they are in the order of their making. */
  expired(now: Millis): Reservation[] {
    const over: Reservation[] = [];
    for (const [key, reservation] of this.#byToken) {
      if (reservation.untilMs > now) break;
      this.#byToken.delete(key);
      over.push(reservation);
    }
    return over;
  }
}
