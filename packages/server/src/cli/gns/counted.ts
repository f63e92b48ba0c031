/** What `--count` and `--size` take. */
export const countedLimits = {
  count: { min: 1, max: 10_000_000 },
  /** Four bytes carry the message's number; GNS peers take 512 KiB. */
  size: { min: 4, max: 524_288 },
} as const;

const NUMBER_BYTES = 4;

/** What arrived of the messages that were promised. */
export interface Tally {
  readonly received: number;
  /** Promised, and not here. */
  readonly missing: number;
  readonly duplicates: number;
  /** Of another size or content than was sent. */
  readonly damaged: number;
  /** Reliable ones that came after a later one of their lane. */
  readonly misordered: number;
}

/** Message `number` of `size` bytes: its number, little endian, then bytes that follow from it. */
export function countedMessage(number: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, number, true);
  for (let i = NUMBER_BYTES; i < size; i++) bytes[i] = (number + i) & 0xff;
  return bytes;
}

/** Checks counted messages as they come: each once, whole, and in order on its lane where reliable. */
export class CountedInbox {
  readonly #count: number;
  readonly #size: number;
  readonly #seen: Uint8Array;
  /** Newest reliable message of each lane. */
  readonly #newest = new Map<number, number>();
  #received = 0;
  #duplicates = 0;
  #damaged = 0;
  #misordered = 0;

  constructor(count: number, size: number) {
    this.#count = count;
    this.#size = size;
    this.#seen = new Uint8Array(Math.ceil(count / 8));
  }

  take(bytes: Uint8Array, lane: number, isReliable: boolean): void {
    const number = this.#numberOf(bytes);
    if (number === undefined) {
      this.#damaged += 1;
      return;
    }
    const bit = 1 << (number & 7);
    const seen = this.#seen[number >> 3] ?? 0;
    if ((seen & bit) !== 0) {
      this.#duplicates += 1;
      return;
    }
    this.#seen[number >> 3] = seen | bit;
    this.#received += 1;
    if (!isReliable) return;
    if (number < (this.#newest.get(lane) ?? 0)) this.#misordered += 1;
    else this.#newest.set(lane, number);
  }

  get isComplete(): boolean {
    return this.#received === this.#count;
  }

  get tally(): Tally {
    return {
      received: this.#received,
      missing: this.#count - this.#received,
      duplicates: this.#duplicates,
      damaged: this.#damaged,
      misordered: this.#misordered,
    };
  }

  /** `undefined` for bytes that are no promised message. */
  #numberOf(bytes: Uint8Array): number | undefined {
    if (bytes.length !== this.#size) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const number = view.getUint32(0, true);
    if (number >= this.#count) return undefined;
    for (let i = NUMBER_BYTES; i < bytes.length; i++) {
      if (bytes[i] !== ((number + i) & 0xff)) return undefined;
    }
    return number;
  }
}

/** Everything that was promised came, and nothing else did. */
export function isWhole({ missing, duplicates, damaged, misordered }: Tally): boolean {
  return missing + duplicates + damaged + misordered === 0;
}
