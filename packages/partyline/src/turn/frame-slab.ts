const SLAB_BYTES = 65_536;

/**
 * Memory for frames, handed out in order and never again: a socket may still hold an old frame, and a
 * frame that were written anew under it would show one player's packets to another.
 */
export class FrameSlab {
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** A view of so many bytes; what stands in them is zero. */
  reserve(bytes: number): Uint8Array {
    if (this.#used + bytes > SLAB_BYTES) {
      if (bytes > SLAB_BYTES / 4) return new Uint8Array(bytes);
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const frame = this.#slab.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    return frame;
  }
}
