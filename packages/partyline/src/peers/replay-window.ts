const WINDOW = 1024;

/**
 * Accepts each number once (RFC 4303 §3.4.3), in any order, as long as it is not more than 1023
 * below the highest one accepted. Numbers are safe integers from 0.
 */
export class ReplayWindow {
  readonly #seen: Uint8Array = new Uint8Array(WINDOW);
  #highest = -1;

  get highest(): number {
    return this.#highest;
  }

  /** False for a number seen before or too old to tell. Does not remember it: {@link accept} does. */
  isFresh(number: number): boolean {
    if (number > this.#highest) return true;
    return number > this.#highest - WINDOW && this.#seen[number % WINDOW] === 0;
  }

  accept(number: number): boolean {
    if (!this.isFresh(number)) return false;
    if (number > this.#highest) {
      if (number - this.#highest >= WINDOW) this.#seen.fill(0);
      else for (let n = this.#highest + 1; n < number; n++) this.#seen[n % WINDOW] = 0;
      this.#highest = number;
    }
    this.#seen[number % WINDOW] = 1;
    return true;
  }
}
