import { MAX_CHANNEL } from '../multiplayer/index.ts';
import {
  CONTROL_ROOM_BYTES,
  fragmentBytes,
  type MessageHeader,
  messageFrameBytes,
  PACKET_BYTES,
  PACKET_HEADER_BYTES,
  type Packet,
  PacketType,
} from './link-frames.ts';
import type { LinkLimits } from './link-limits.ts';
import { PacketPool } from './packet-pool.ts';
import { ReliableQueue } from './reliable-queue.ts';
import { UnreliableQueue } from './unreliable-queue.ts';
import type { Wire } from './wire.ts';

const PACKET_ROOM_BYTES = PACKET_BYTES - PACKET_HEADER_BYTES;

/** The sending half of a {@link Link}: messages to packets, packets to the wire that is there. */
export class LinkSender {
  readonly #pool = new PacketPool();
  readonly #reliable = new ReliableQueue(this.#pool);
  readonly #unreliable: UnreliableQueue;
  /** Next sequence of `unreliableOrdered` per channel. */
  readonly #sequences = new Uint32Array(MAX_CHANNEL + 1);
  #nextNumber = 0;
  #nextMessageId = 0;
  messages = 0;
  bytes = 0;

  constructor(limits: LinkLimits) {
    this.#unreliable = new UnreliableQueue(this.#pool, limits.unreliableBytes);
  }

  get reliableBytes(): number {
    return this.#reliable.bytes;
  }

  get queuedBytes(): number {
    return this.#reliable.bytes + this.#unreliable.bytes;
  }

  get dropped(): number {
    return this.#unreliable.dropped;
  }

  get awaitsAck(): boolean {
    return this.#reliable.awaitsAck;
  }

  get hasUnsentReliable(): boolean {
    return this.#reliable.hasUnsent;
  }

  /** Queues one message; hands full packets to the wire at once, so that a burst does not pile up here. */
  write(header: MessageHeader, bytes: Uint8Array, wire: Wire | undefined): void {
    this.messages++;
    this.bytes += bytes.length;
    const sequence = header.mode === 'unreliableOrdered' ? this.#nextSequence(header.channel) : 0;
    const frameBytes = messageFrameBytes(header, bytes.length) + bytes.length;
    if (frameBytes > PACKET_ROOM_BYTES) this.#writeFragments(header, sequence, bytes);
    else if (header.mode === 'reliable') {
      this.#reliable.packetFor(frameBytes).message(header, sequence, bytes);
      this.#reliable.wrote(frameBytes);
    } else {
      if (this.#unreliable.needsPacket(frameBytes)) this.#sendUnreliable(wire);
      this.#unreliable.packetFor(frameBytes).message(header, sequence, bytes);
      this.#unreliable.wrote(frameBytes);
      this.#unreliable.trim(1);
    }
  }

  /** The packet for control frames; they leave with the next flush. Call with what `write` wrote. */
  control(write: (packet: Packet) => void): void {
    const packet = this.#unreliable.packetFor(CONTROL_ROOM_BYTES);
    const before = packet.length;
    write(packet);
    this.#unreliable.wrote(packet.length - before);
    this.#unreliable.trim(1);
  }

  /** A packet of control frames on the reliable lane, past the queues. False when the wire cannot take it now. */
  sendControl(wire: Wire, write: (packet: Packet) => void): boolean {
    const packet = this.#pool.take(PacketType.Frames).setNumber(this.#nextNumber);
    write(packet);
    const taken = wire.send(packet.view(), true);
    if (taken) this.#nextNumber = (this.#nextNumber + 1) >>> 0;
    this.#pool.give(packet);
    return taken;
  }

  /** The end of a turn: what is unreliable is late soonest, so it goes first. */
  flush(wire: Wire): void {
    this.#sendUnreliable(wire);
    this.#sendReliable(wire);
  }

  /** Room again in a wire that was full: now the reliable packets go first, else unreliable ones could starve them. */
  resume(wire: Wire): void {
    this.#sendReliable(wire);
    this.#sendUnreliable(wire);
  }

  acknowledge(next: number): boolean {
    return this.#reliable.acknowledge(next);
  }

  rewind(): void {
    this.#reliable.rewind();
  }

  clear(): void {
    this.#reliable.clear();
    this.#unreliable.clear();
  }

  #writeFragments(header: MessageHeader, sequence: number, bytes: Uint8Array): void {
    const partBytes = fragmentBytes(header);
    const count = Math.ceil(bytes.length / partBytes);
    const reliable = header.mode === 'reliable';
    const id = reliable ? 0 : this.#nextMessageId;
    if (!reliable) this.#nextMessageId = (this.#nextMessageId + 1) & 0xffff;
    const queue = reliable ? this.#reliable : this.#unreliable;
    for (let index = 0; index < count; index++) {
      const part = bytes.subarray(index * partBytes, (index + 1) * partBytes);
      const frameBytes = messageFrameBytes(header, part.length, true) + part.length;
      const last = index === count - 1 ? 1 : 0;
      const fragment = reliable ? { id, index: 0, count: last } : { id, index, count };
      queue.packetFor(frameBytes).message(header, sequence, part, fragment);
      queue.wrote(frameBytes);
    }
    if (!reliable) this.#unreliable.trim(count);
  }

  #nextSequence(channel: number): number {
    const sequence = this.#sequences[channel] ?? 0;
    this.#sequences[channel] = sequence + 1; // wraps: Uint32Array
    return sequence;
  }

  #sendUnreliable(wire: Wire | undefined): void {
    if (!wire) return;
    for (let packet = this.#unreliable.peek(); packet; packet = this.#unreliable.peek()) {
      if (packet.isEmpty) {
        this.#unreliable.shift();
        continue;
      }
      if (!wire.send(packet.setNumber(this.#nextNumber).view(), false)) return;
      this.#nextNumber = (this.#nextNumber + 1) >>> 0;
      this.#unreliable.shift();
    }
  }

  #sendReliable(wire: Wire): void {
    for (let packet = this.#reliable.peekUnsent(); packet; packet = this.#reliable.peekUnsent()) {
      if (!wire.send(packet.view(), true)) return;
      this.#reliable.sent();
    }
  }
}
