import { Packet, type PacketType } from './link-frames.ts';

/** Packets kept for the next use: 64 KiB a link at most. */
const KEPT_PACKETS = 64;

/** Memory of packets, used again instead of allocated: the hot path makes no garbage per packet. */
export class PacketPool {
  readonly #free: Packet[] = [];

  take(type: PacketType): Packet {
    return (this.#free.pop() ?? new Packet()).begin(type);
  }

  give(packet: Packet): void {
    if (this.#free.length < KEPT_PACKETS) this.#free.push(packet);
  }
}
