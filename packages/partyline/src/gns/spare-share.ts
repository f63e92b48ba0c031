import type { Cipher } from './crypt-share.ts';
import {
  type GnsCrypto,
  type LocalHandshake,
  type LocalIdentity,
  makeHandshake,
} from './handshake.ts';

/**
 * A server's half of one key agreement, made while nobody waits for it (docs/adr/0058). What is
 * signed names no client, so it does for whoever comes next, and for nobody after.
 */
export class SpareShare {
  readonly #crypto: GnsCrypto;
  readonly #local: LocalIdentity;
  #cipher: Cipher | undefined;
  #made: LocalHandshake | undefined;

  constructor(crypto: GnsCrypto, local: LocalIdentity) {
    this.#crypto = crypto;
    this.#local = local;
  }

  get isReady(): boolean {
    return this.#made !== undefined;
  }

  /** Makes one for `cipher`, in the place of the one there is. */
  refill(cipher: Cipher): void {
    this.clear();
    this.#made = makeHandshake(this.#crypto, this.#local, [cipher]);
    this.#cipher = cipher;
  }

  /** The one there is, which is the caller's alone; or a new one, and that for another cipher is wiped. */
  take(cipher: Cipher): LocalHandshake {
    if (this.#cipher !== cipher) this.clear();
    const made = this.#made ?? makeHandshake(this.#crypto, this.#local, [cipher]);
    this.#made = undefined;
    return made;
  }

  /** Nobody is expected: nothing secret stays. */
  clear(): void {
    this.#made?.secret.fill(0);
    this.#made = undefined;
  }
}
