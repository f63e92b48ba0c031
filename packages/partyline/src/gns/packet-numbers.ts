import { nearestWithLowBits } from '../snp/index.ts';
import { MAX_PACKET_NUMBER_JUMP } from './protocol.ts';

/** A packet number that was judged before its packet is decrypted. */
export type PacketVerdict = 'new' | 'duplicate' | 'old';

/** A jump of this much is strange, though it may be honest (GNS: "lurch"). */
const LURCH = 100;

/** Received packet numbers: expansion from 16 bits, and GNS's window of 64 to 128 against replays. */
export class PacketNumbers {
  received = 0;
  dropped = 0;
  outOfOrder = 0;
  /** Swapped pairs that were put right, and so are not in `outOfOrder`. */
  outOfOrderCorrected = 0;
  duplicates = 0;
  lurches = 0;
  #newest = 0;
  /** Bits of the 64 numbers before the newest's block, then of its own, in two halves each. */
  readonly #seen = new Uint32Array(4);

  get newest(): number {
    return this.#newest;
  }

  /** The handshake was packet `number`. */
  start(number: number): void {
    this.#newest = number;
    this.#seen.fill(0);
    this.#mark(number);
  }

  /** GNS expands with a signed difference: 0x8000 ahead is taken as behind. */
  expand(wireNumber: number): number {
    return nearestWithLowBits(wireNumber, 16, this.#newest);
  }

  /** Asked before decryption; nothing changes but counters. */
  judge(number: number): PacketVerdict {
    this.received += 1;
    if (number > this.#newest) return 'new';
    if (number <= 0 || this.#block(number) < 0) {
      this.lurches += 1;
      return 'old';
    }
    if (this.#isMarked(number)) {
      this.duplicates += 1;
      return 'duplicate';
    }
    return 'new';
  }

  /** A jump that GNS ends the connection for; ask it of an authentic packet. */
  isLurch(number: number): boolean {
    return number - this.#newest > MAX_PACKET_NUMBER_JUMP;
  }

  /** The packet was authentic. Returns true when it directly follows the newest one before. */
  accept(number: number): boolean {
    const gap = number - this.#newest;
    if (gap <= 0) {
      this.#mark(number);
      this.outOfOrder += 1;
      if (this.dropped > 0) this.dropped -= 1; // it was counted as dropped when a later one came
      return false;
    }
    this.#advance(number);
    if (gap >= LURCH) this.lurches += 1;
    else this.dropped += gap - 1;
    return gap === 1;
  }

  #advance(number: number): void {
    const step = Math.floor(number / 64) - Math.floor(this.#newest / 64);
    if (step === 1) this.#seen.copyWithin(0, 2);
    else if (step > 1) this.#seen.fill(0, 0, 2);
    if (step > 0) this.#seen.fill(0, 2);
    this.#newest = number;
    this.#mark(number);
  }

  /** 1 for the newest's block, 0 for the one before, negative when too old to tell. */
  #block(number: number): number {
    return Math.floor(number / 64) - Math.floor(this.#newest / 64) + 1;
  }

  #mark(number: number): void {
    const at = this.#block(number) * 2 + ((number % 64) >> 5);
    this.#seen[at] = (this.#seen[at] ?? 0) | (1 << (number & 31));
  }

  #isMarked(number: number): boolean {
    const at = this.#block(number) * 2 + ((number % 64) >> 5);
    return ((this.#seen[at] ?? 0) & (1 << (number & 31))) !== 0;
  }
}
