import { type Packet, PacketType } from './link-frames.ts';
import type { PacketPool } from './packet-pool.ts';

/**
 * The reliable packets of one direction: numbered from 0, kept until acknowledged, so that a new
 * wire can be given all that the old one may have lost. Numbers are u32 and wrap.
 */
export class ReliableQueue {
  readonly #pool: PacketPool;
  /** Oldest first; its numbers are contiguous. The last one may still be open for more messages. */
  #packets: Packet[] = [];
  /** How many of them were handed to the wire. */
  #sent = 0;
  #open = false;
  #next = 0;
  #bytes = 0;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** Bytes not acknowledged. */
  get bytes(): number {
    return this.#bytes;
  }

  get hasUnsent(): boolean {
    return this.#sent < this.#packets.length;
  }

  /** Handed to the wire, not acknowledged. */
  get awaitsAck(): boolean {
    return this.#sent > 0;
  }

  /** The packet to write a frame of so many bytes into; call {@link wrote} after it. */
  packetFor(frameBytes: number): Packet {
    const last = this.#packets.at(-1);
    if (this.#open && last && last.room >= frameBytes) return last;
    const packet = this.#pool.take(PacketType.Reliable).setNumber(this.#next);
    this.#next = (this.#next + 1) >>> 0;
    this.#packets.push(packet);
    this.#bytes += packet.length;
    this.#open = true;
    return packet;
  }

  wrote(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The next packet for the wire; {@link sent} confirms it. */
  peekUnsent(): Packet | undefined {
    return this.#packets[this.#sent];
  }

  sent(): void {
    this.#sent++;
    // A packet that left is never written again: its copy on a later wire must be the same.
    if (this.#sent === this.#packets.length) this.#open = false;
  }

  /** @returns false when the number was never sent: the other side breaks the protocol. */
  acknowledge(next: number): boolean {
    const first = this.#packets[0]?.number ?? this.#next;
    const count = (next - first) | 0;
    if (count > this.#sent) return false;
    if (count <= 0) return true; // an old acknowledgement that was overtaken
    for (const packet of this.#packets.splice(0, count)) {
      this.#bytes -= packet.length;
      this.#pool.give(packet);
    }
    this.#sent -= count;
    return true;
  }

  /** Everything unacknowledged goes out again: after a change of wire, or when asked. */
  rewind(): void {
    this.#sent = 0;
  }

  clear(): void {
    for (const packet of this.#packets) this.#pool.give(packet);
    this.#packets = [];
    this.#sent = 0;
    this.#open = false;
    this.#bytes = 0;
  }
}
