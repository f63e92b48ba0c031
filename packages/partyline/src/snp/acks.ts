import type { FrameReader } from './frame-reader.ts';

const MAX_BLOCKS = 256;

/**
 * The blocks of one ack frame, to be asked packet by packet in rising order, so that an ack costs
 * a step per packet in flight and per block: docs/wire/snp.md#acks.
 */
export class AckBlocks {
  /** Block i, oldest first, says: [nackBegin, ackBegin) missing, [ackBegin, next nackBegin) received. */
  readonly #nackBegin = new Float64Array(MAX_BLOCKS);
  readonly #ackBegin = new Float64Array(MAX_BLOCKS);
  #first = MAX_BLOCKS;
  #at = MAX_BLOCKS;

  /** Reads the frame's blocks. False when they reach below packet 0. */
  read(frame: FrameReader, latest: number): boolean {
    let end = latest + 1;
    this.#first = MAX_BLOCKS;
    while (frame.ackBlocks > 0) {
      frame.nextAckBlock();
      const ackBegin = end - frame.ackCount;
      end = ackBegin - frame.nackCount;
      if (end < 0) return false;
      this.#first -= 1;
      this.#ackBegin[this.#first] = ackBegin;
      this.#nackBegin[this.#first] = end;
    }
    this.#at = this.#first;
    return true;
  }

  /**
   * Was packet `number` received? Ask with rising numbers, none over the latest. Under the oldest
   * block everything was: the implicit last block.
   */
  isReceived(number: number): boolean {
    while (this.#at + 1 < MAX_BLOCKS && number >= (this.#nackBegin[this.#at + 1] ?? 0)) {
      this.#at += 1;
    }
    if (this.#at >= MAX_BLOCKS || number < (this.#nackBegin[this.#at] ?? 0)) return true;
    return number >= (this.#ackBegin[this.#at] ?? 0);
  }

  /** Is packet `number` under the oldest block? */
  isImplicit(number: number): boolean {
    return this.#first >= MAX_BLOCKS || number < (this.#nackBegin[this.#first] ?? 0);
  }
}
