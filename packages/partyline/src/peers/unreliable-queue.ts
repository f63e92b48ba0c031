import { type Packet, PacketType } from './link-frames.ts';
import type { PacketPool } from './packet-pool.ts';

/**
 * Unreliable packets that wait for the end of the turn or for a full wire. Bounded in bytes: the
 * oldest go first, except those of the message being written.
 */
export class UnreliableQueue {
  readonly #pool: PacketPool;
  readonly #limitBytes: number;
  #packets: Packet[] = [];
  #bytes = 0;
  /** Packets dropped because the wire was full. */
  dropped = 0;

  constructor(pool: PacketPool, limitBytes: number) {
    this.#pool = pool;
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#packets.length === 0;
  }

  /** Whether a frame of so many bytes needs a packet of its own. */
  needsPacket(frameBytes: number): boolean {
    const last = this.#packets.at(-1);
    return !last || last.room < frameBytes;
  }

  /** The packet to write a frame of so many bytes into; call {@link wrote} after it. */
  packetFor(frameBytes: number): Packet {
    const last = this.#packets.at(-1);
    if (last && last.room >= frameBytes) return last;
    const packet = this.#pool.take(PacketType.Frames);
    this.#packets.push(packet);
    this.#bytes += packet.length;
    return packet;
  }

  wrote(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Drops the oldest until the limit holds or only the newest `keep` packets are left. */
  trim(keep: number): void {
    while (this.#bytes > this.#limitBytes && this.#packets.length > Math.max(keep, 1)) {
      this.shift();
      this.dropped++;
    }
  }

  peek(): Packet | undefined {
    return this.#packets[0];
  }

  shift(): void {
    const packet = this.#packets.shift();
    if (!packet) return;
    this.#bytes -= packet.length;
    this.#pool.give(packet);
  }

  clear(): void {
    while (!this.isEmpty) this.shift();
  }
}
