const MIN_BYTES = 1024;
const EMPTY = new Uint8Array(0);

/**
 * Bytes of a stream, addressed by their position in it: position p lies at p modulo the capacity,
 * a power of two, so that the low 32 bits of a position are enough.
 * Grows by doubling up to what it is asked to hold; gives its memory back when told it is empty.
 */
export class ByteRing {
  #bytes: Uint8Array = EMPTY;
  #mask = 0;

  get capacityBytes(): number {
    return this.#bytes.length;
  }

  /** Makes room for [from, to); `keepFrom` and what follows it up to `keepTo` stay. */
  reserve(keepFrom: number, keepTo: number, to: number): void {
    const needed = to - keepFrom;
    if (needed <= this.#bytes.length) return;
    let capacity = Math.max(MIN_BYTES, this.#bytes.length);
    while (capacity < needed) capacity *= 2;
    const old = this.#bytes;
    const oldMask = this.#mask;
    this.#bytes = new Uint8Array(capacity);
    this.#mask = capacity - 1;
    for (let at = keepFrom; at < keepTo; ) {
      const from = at & oldMask;
      const length = Math.min(keepTo - at, old.length - from);
      this.write(at, old, from, from + length);
      at += length;
    }
  }

  /** Copies `source[start, end)` to `position`; room was made by {@link ByteRing.reserve}. */
  write(position: number, source: Uint8Array, start: number, end: number): void {
    const at = position & this.#mask;
    const length = end - start;
    const first = Math.min(length, this.#bytes.length - at);
    copy(source, start, this.#bytes, at, first);
    if (first < length) copy(source, start + first, this.#bytes, 0, length - first);
  }

  /** Copies `length` bytes at `position` into `target` at `at`. */
  read(position: number, length: number, target: Uint8Array, at: number): void {
    const from = position & this.#mask;
    const first = Math.min(length, this.#bytes.length - from);
    copy(this.#bytes, from, target, at, first);
    if (first < length) copy(this.#bytes, 0, target, at + first, length - first);
  }

  /** The stored bytes from `position` on, up to `length` of them, as far as they lie in one piece. */
  piece(position: number, length: number): Uint8Array {
    const from = position & this.#mask;
    return this.#bytes.subarray(from, Math.min(from + length, this.#bytes.length));
  }

  /** Nothing is stored any more: the memory is given back. */
  release(): void {
    if (this.#bytes.length === 0) return;
    this.#bytes = EMPTY;
    this.#mask = 0;
  }
}

/** `set` costs a subarray and a call, as much as 24 bytes by hand. */
function copy(
  source: Uint8Array,
  start: number,
  target: Uint8Array,
  at: number,
  length: number,
): void {
  if (length > 24) {
    target.set(source.subarray(start, start + length), at);
    return;
  }
  for (let i = 0; i < length; i++) target[at + i] = source[start + i] ?? 0;
}
