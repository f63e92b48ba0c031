const SLAB_BYTES = 65_536;

/**
 * Memory for frames, handed out in order. Nothing is handed out twice unless {@link FrameSlab.settle} says
 * that nobody holds it: a frame that were written anew under a socket would show one player's packets to
 * another.
 */
export class FrameSlab {
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;
  /** Up to here it is held, for good. */
  #held = 0;

  /** A view of so many bytes; write them all: what stands in them is an older frame's. */
  reserve(bytes: number): Uint8Array {
    if (this.#used + bytes > SLAB_BYTES) {
      if (bytes > SLAB_BYTES / 4) return new Uint8Array(bytes);
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
      this.#held = 0;
    }
    const frame = this.#slab.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    return frame;
  }

  /** Whether anybody still holds one of the frames reserved since the last call; if not, their memory is free. */
  settle(isHeld: boolean): void {
    if (isHeld) this.#held = this.#used;
    else this.#used = this.#held;
  }
}
