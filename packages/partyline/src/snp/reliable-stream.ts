import type { Millis } from '../base/index.ts';
import { ByteRing } from './byte-ring.ts';
import { MAX_STREAM_GAPS_EXTEND, MAX_STREAM_GAPS_SPLIT } from './limits.ts';
import type { MessageParser } from './message-parser.ts';
import type { SnpOptions } from './options.ts';

/** Stream bytes [begin, end) that came before their turn. */
interface Island {
  begin: number;
  end: number;
}

/**
 * Puts a lane's reliable segments in order. Segments may overlap, repeat and come in any order and
 * with any boundaries; what is ahead of its turn waits in a ring. GNS `SNP_ReceiveReliableSegment`.
 */
export class ReliableStream {
  readonly #parser: MessageParser;
  readonly #options: Pick<Required<SnpOptions>, 'receiveBufferBytes'>;
  readonly #ring = new ByteRing();
  readonly #islands: Island[] = [];
  /** The next byte for the parser; the stream starts at 1. */
  #position = 1;

  constructor(parser: MessageParser, options: Pick<Required<SnpOptions>, 'receiveBufferBytes'>) {
    this.#parser = parser;
    this.#options = options;
  }

  /** Where a sender's next byte is expected: the end of all that came. */
  get expected(): number {
    return this.#islands.at(-1)?.end ?? this.#position;
  }

  get heldBytes(): number {
    return (this.#islands.length > 0 ? this.#ring.capacityBytes : 0) + this.#parser.heldBytes;
  }

  /**
   * Takes the segment `bytes[start, end)` at stream position `begin`. False when it could not be
   * kept: then its packet must not be acknowledged. `mayHold` false refuses what would need memory.
   */
  push(
    now: Millis,
    begin: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    mayHold: boolean,
  ): boolean {
    const segmentEnd = begin + end - start;
    if (segmentEnd <= this.#position) return true;
    if (begin <= this.#position) {
      const taken = this.#parser.feed(now, bytes, start + this.#position - begin, end);
      this.#position += taken;
      if (this.#islands.length > 0) this.resume(now);
      return this.#position >= segmentEnd;
    }
    if (!mayHold || segmentEnd - this.#position > this.#options.receiveBufferBytes) return false;
    const previousEnd = this.expected;
    if (!this.#insert(begin, segmentEnd)) return false;
    this.#ring.reserve(this.#position, previousEnd, Math.max(previousEnd, segmentEnd));
    this.#ring.write(begin, bytes, start, end);
    return true;
  }

  /** Feeds what has become the next in turn; call it when the inbox has room again. */
  resume(now: Millis): void {
    if (!this.#parser.deliver(now)) return;
    for (let island = this.#islands[0]; island !== undefined; island = this.#islands[0]) {
      if (island.begin > this.#position) return;
      while (this.#position < island.end) {
        const piece = this.#ring.piece(this.#position, island.end - this.#position);
        const taken = this.#parser.feed(now, piece, 0, piece.length);
        this.#position += taken;
        if (taken < piece.length) return;
      }
      this.#islands.shift();
    }
  }

  /** Gives back the ring's memory if nothing waits in it. */
  releaseIdle(): void {
    if (this.#islands.length === 0) this.#ring.release();
  }

  /** Adds [begin, end) to the islands, joining those it touches. False when that makes too many holes. */
  #insert(begin: number, end: number): boolean {
    const islands = this.#islands;
    let first = 0;
    while (first < islands.length && (islands[first]?.end ?? 0) < begin) first += 1;
    let after = first;
    let joinedBegin = begin;
    let joinedEnd = end;
    for (let island = islands[after]; island && island.begin <= end; island = islands[after]) {
      joinedBegin = Math.min(joinedBegin, island.begin);
      joinedEnd = Math.max(joinedEnd, island.end);
      after += 1;
    }
    if (after === first) {
      const limit = first === islands.length ? MAX_STREAM_GAPS_EXTEND : MAX_STREAM_GAPS_SPLIT;
      if (islands.length >= limit) return false;
    }
    islands.splice(first, after - first, { begin: joinedBegin, end: joinedEnd });
    return true;
  }
}
