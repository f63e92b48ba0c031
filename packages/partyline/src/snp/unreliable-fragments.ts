import { MAX_UNRELIABLE_SEGMENTS } from './limits.ts';

interface Segment {
  readonly number: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/**
 * A lane's unreliable messages of which pieces are missing, a bounded few: the oldest message goes
 * when there are too many segments. GNS `SNP_ReceiveUnreliableSegment`.
 */
export class UnreliableFragments {
  /** Sorted by message number, then offset. */
  readonly #segments: Segment[] = [];

  get segmentCount(): number {
    return this.#segments.length;
  }

  /** Keeps a copy of the piece; returns the message if this piece completes it. */
  add(number: number, offset: number, piece: Uint8Array, isLast: boolean): Uint8Array | undefined {
    if (this.#segments.length > MAX_UNRELIABLE_SEGMENTS) this.#dropOldest();
    const at = this.#segments.findIndex(
      (s) => s.number > number || (s.number === number && s.offset >= offset),
    );
    const index = at < 0 ? this.#segments.length : at;
    const known = this.#segments[index];
    if (known?.number === number && known.offset === offset) return undefined; // came before
    this.#segments.splice(index, 0, { number, offset, bytes: piece.slice(), isLast });
    return this.#join(number);
  }

  #dropOldest(): void {
    const oldest = this.#segments[0]?.number;
    this.#remove(0, this.#segments.findLastIndex((s) => s.number === oldest) + 1);
  }

  #join(number: number): Uint8Array | undefined {
    const first = this.#segments.findIndex((s) => s.number === number);
    let size = 0;
    let at = first;
    for (; ; at += 1) {
      const segment = this.#segments[at];
      if (segment?.number !== number || segment.offset > size) return undefined;
      size = Math.max(size, segment.offset + segment.bytes.length);
      if (segment.isLast) break;
    }
    const message = new Uint8Array(size);
    for (const { offset, bytes } of this.#segments.slice(first, at + 1)) message.set(bytes, offset);
    this.#remove(first, this.#segments.findLastIndex((s) => s.number === number) + 1);
    return message;
  }

  #remove(from: number, to: number): void {
    this.#segments.splice(from, to - from);
  }
}
