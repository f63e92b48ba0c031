import type { Millis } from '../base/index.ts';
import { ACK_HEADER_BYTES, type FrameWriter } from './frame-writer.ts';
import {
  ACK_DELAY_UNIT_MS,
  MAX_ACK_DELAY_MS,
  MAX_PACKET_GAPS,
  NACK_DELAY_MS,
  NO_ACK_DELAY,
} from './limits.ts';
import { varintBytes } from './numbers.ts';

/** Packets [begin, end) that have not come. */
interface Gap {
  begin: number;
  end: number;
  /** When the packet just before the gap came: the delay told with an ack that ends there. */
  beforeAt: Millis;
  /** Reported missing not earlier than this: it may only be late. */
  reportAt: Millis;
}

const GAPS_PROBED_FOR_MERGE = 10;
/** A peer that sent nothing reliable for so long repeats nothing when it is told of a gap, in ms. */
const RELIABLE_FLOW_MS = 1000;

/**
 * Which packets came, and when to say so: the receiving half of docs/wire/snp.md#acks.
 * At most {@link MAX_PACKET_GAPS} gaps, so each call costs a constant.
 */
export class PacketGaps {
  readonly #gaps: Gap[] = [];
  /** So many gaps, the oldest ones, have been reported. */
  #reported = 0;
  /** One over the newest packet to acknowledge. */
  #next = 1;
  #newestAt: Millis = 0;
  /** When something reliable came. */
  #reliableAt: Millis = Number.NEGATIVE_INFINITY;
  #minToAck = 0;
  #minSetBy = 0;
  /** When everything is to be acknowledged; Infinity while nothing is owed. */
  #ackAt: Millis = Number.POSITIVE_INFINITY;

  /** Nothing before `next` will be asked for. */
  reset(next: number, now: Millis): void {
    this.#gaps.length = 0;
    this.#reported = 0;
    this.#next = next;
    this.#newestAt = now;
  }

  get gapCount(): number {
    return this.#gaps.length;
  }

  /** Has anything come that an ack could report? */
  get hasReceived(): boolean {
    return this.#next > 1;
  }

  /** When an ack must leave; Infinity for never. */
  get ackAt(): Millis {
    return this.#ackAt;
  }

  /**
   * When the oldest unreported gap is worth a packet of its own; Infinity for none. At once when it
   * may be reported, as in GNS, if the peer will repeat what was lost; else it can wait for a packet
   * that leaves anyhow, as long as an acknowledgement can.
   */
  get nackAt(): Millis {
    if (this.#reported >= this.#gaps.length) return Number.POSITIVE_INFINITY;
    const reportAt = this.#gaps[this.#reported]?.reportAt ?? Number.POSITIVE_INFINITY;
    const isUrgent = reportAt < this.#reliableAt + RELIABLE_FLOW_MS;
    return isUrgent ? reportAt : reportAt + MAX_ACK_DELAY_MS;
  }

  /** Acknowledge everything not later than `at`. */
  scheduleAck(at: Millis): void {
    if (at < this.#ackAt) this.#ackAt = at;
  }

  /** The packet came and was processed; one that was not must not be recorded. */
  record(number: number, now: Millis, holdsReliable: boolean): void {
    if (number < this.#minToAck) return;
    if (holdsReliable) {
      this.#reliableAt = now;
      this.scheduleAck(now + MAX_ACK_DELAY_MS);
    }
    if (number >= this.#next) {
      if (number > this.#next) this.#open(this.#next, number, now);
      this.#next = number + 1;
      this.#newestAt = now;
      return;
    }
    this.#fill(number, now);
  }

  /**
   * The peer needs no report below `min`, said in packet `number`.
   * False when that goes back in a newer packet: GNS closes the connection for it.
   */
  stopWaiting(min: number, number: number): boolean {
    const clipped = Math.min(min, this.#next - 1);
    if (clipped < this.#minToAck) return number < this.#minSetBy;
    if (clipped === this.#minToAck) return true;
    this.#minToAck = clipped;
    this.#minSetBy = number;
    let passed = 0;
    while ((this.#gaps[passed]?.end ?? Number.POSITIVE_INFINITY) <= clipped) passed += 1;
    if (passed > 0) this.#gaps.splice(0, passed);
    this.#reported = Math.max(0, this.#reported - passed);
    const first = this.#gaps[0];
    if (first !== undefined && first.begin < clipped) first.begin = clipped;
    return true;
  }

  /**
   * Writes an ack frame of at most `maxBytes`. Blocks are dropped from the newest end when they
   * do not fit: everything under the last block counts as received, so none may be left out there.
   */
  write(writer: FrameWriter, now: Millis, maxBytes: number): void {
    if (maxBytes < ACK_HEADER_BYTES || !this.hasReceived) return;
    const blocks = this.#blocksThatFit(now, maxBytes);
    const after = this.#gaps[blocks];
    const latest = (after?.begin ?? this.#next) - 1;
    writer.ack(latest, encodeDelay(now - (after?.beforeAt ?? this.#newestAt)), blocks);
    for (let i = blocks - 1; i >= 0; i--) {
      const gap = this.#gaps[i];
      if (gap === undefined) break;
      writer.ackBlock(this.#receivedAfter(i), gap.end - gap.begin);
    }
    if (blocks > this.#reported) this.#reported = blocks;
    if (blocks === this.#gaps.length) this.#ackAt = Number.POSITIVE_INFINITY;
    else if (this.#ackAt <= now) this.#ackAt = now + MAX_ACK_DELAY_MS / 4; // the rest, in a later packet
  }

  #blocksThatFit(now: Millis, maxBytes: number): number {
    const isForced = this.#ackAt <= now;
    let bytes = ACK_HEADER_BYTES;
    let blocks = 0;
    for (let gap = this.#gaps[0]; gap !== undefined; gap = this.#gaps[blocks]) {
      if (blocks >= this.#reported && !isForced && now < gap.reportAt) break;
      bytes += 1 + (blocks === 6 ? 1 : 0); // seven blocks need a count byte
      bytes += countBytes(this.#receivedAfter(blocks)) + countBytes(gap.end - gap.begin);
      if (bytes > maxBytes) break;
      blocks += 1;
    }
    return blocks;
  }

  #receivedAfter(index: number): number {
    return (this.#gaps[index + 1]?.begin ?? this.#next) - (this.#gaps[index]?.end ?? this.#next);
  }

  #open(begin: number, end: number, now: Millis): void {
    this.#gaps.push({
      begin,
      end,
      beforeAt: this.#newestAt,
      reportAt: now + NACK_DELAY_MS,
    });
    if (this.#gaps.length >= MAX_PACKET_GAPS) this.#merge();
  }

  #fill(number: number, now: Millis): void {
    for (let i = this.#gaps.length - 1; i >= 0; i--) {
      const gap = this.#gaps[i];
      if (gap === undefined || number >= gap.end) return; // came before; the replay window says so earlier
      if (number < gap.begin) continue;
      if (number === gap.end - 1) {
        gap.end = number;
        if (gap.begin === gap.end) this.#forget(i);
      } else if (number === gap.begin) {
        gap.begin = number + 1;
        gap.beforeAt = now;
      } else {
        const { end, reportAt } = gap;
        this.#gaps.splice(i + 1, 0, { begin: number + 1, end, beforeAt: now, reportAt });
        if (i < this.#reported) this.#reported += 1;
        gap.end = number;
        if (this.#gaps.length >= MAX_PACKET_GAPS) this.#merge();
      }
      return;
    }
  }

  /** Too many gaps: forgets the smallest run of received packets between two old ones. */
  #merge(): void {
    let best = 0;
    for (let i = 1; i < GAPS_PROBED_FOR_MERGE; i++) {
      if (this.#receivedAfter(i) < this.#receivedAfter(best)) best = i;
    }
    const kept = this.#gaps[best];
    const dropped = this.#gaps[best + 1];
    if (kept === undefined || dropped === undefined) return;
    kept.end = dropped.end;
    this.#forget(best + 1);
  }

  #forget(index: number): void {
    this.#gaps.splice(index, 1);
    if (index < this.#reported) this.#reported -= 1;
  }
}

function countBytes(count: number): number {
  return count < 8 ? 0 : varintBytes(Math.floor(count / 8));
}

function encodeDelay(elapsedMs: number): number {
  return Math.min(NO_ACK_DELAY, Math.max(0, Math.floor(elapsedMs / ACK_DELAY_UNIT_MS)));
}
