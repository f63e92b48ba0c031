import type { Millis } from '../base/index.ts';
import type { Segment } from './segments.ts';

/** A packet whose fate is unknown, or that is believed lost and may still be acknowledged. */
export interface SentPacket {
  /** -1 for a place that is not used. */
  number: number;
  sentAt: Millis;
  /** Of its datagram; 0 until that has left. */
  bytes: number;
  /** Reliable data on its way when it was made, in bytes. */
  flightBytes: number;
  isLost: boolean;
  readonly segments: Segment[];
  older: SentPacket | undefined;
  newer: SentPacket | undefined;
}

const FIRST_PLACES = 8;
/** Without reliable segments a packet's ack tells only the round trip: places for those, and for how long, in ms. */
const MAX_UNRELIABLE_PLACES = 64;
const YOUNG_MS = 500;
/** GNS gives up a connection when packet numbers jump by more (`0x4000`). */
const MAX_PLACES = 0x4000;

/**
 * Packets in flight, by number and in order. The places are used again, so that sending allocates
 * nothing; a packet without reliable segments gives way to a newer one when places run out.
 */
export class SentPackets {
  #places: SentPacket[] = [];
  #oldest: SentPacket | undefined;
  #newest: SentPacket | undefined;
  /** The first that has not timed out yet: all older ones are lost. */
  #waiting: SentPacket | undefined;
  readonly #onGone: (packet: SentPacket) => void;

  /** `onGone` is told of a packet that had to give way, before it is forgotten. */
  constructor(onGone: (packet: SentPacket) => void) {
    this.#onGone = onGone;
  }

  get oldest(): SentPacket | undefined {
    return this.#oldest;
  }

  /** The oldest that is not believed lost. */
  get waiting(): SentPacket | undefined {
    while (this.#waiting?.isLost) this.#waiting = this.#waiting.newer;
    return this.#waiting;
  }

  find(number: number): SentPacket | undefined {
    const place = this.#places[number & (this.#places.length - 1)];
    return place?.number === number ? place : undefined;
  }

  /** The caller puts the segments in. `number` is higher than any before. */
  add(number: number, sentAt: Millis, flightBytes: number): SentPacket {
    const packet = this.#place(number, sentAt);
    packet.flightBytes = flightBytes;
    packet.number = number;
    packet.sentAt = sentAt;
    packet.bytes = 0;
    packet.isLost = false;
    packet.older = this.#newest;
    packet.newer = undefined;
    if (this.#newest === undefined) this.#oldest = packet;
    else this.#newest.newer = packet;
    this.#newest = packet;
    this.#waiting ??= packet;
    return packet;
  }

  remove(packet: SentPacket): void {
    if (this.#waiting === packet) this.#waiting = packet.newer;
    if (packet.older === undefined) this.#oldest = packet.newer;
    else packet.older.newer = packet.newer;
    if (packet.newer === undefined) this.#newest = packet.older;
    else packet.newer.older = packet.older;
    packet.number = -1;
    packet.older = undefined;
    packet.newer = undefined;
    packet.segments.length = 0;
  }

  /** Gives back memory that an idle connection does not need. */
  release(): void {
    if (this.#oldest === undefined) this.#places = [];
  }

  #place(number: number, now: Millis): SentPacket {
    let place = this.#places[number & (this.#places.length - 1)];
    while (place === undefined || (place.number >= 0 && this.#isWorthRoom(place, now))) {
      this.#grow();
      place = this.#places[number & (this.#places.length - 1)];
    }
    if (place.number >= 0) {
      this.#onGone(place);
      this.remove(place);
    }
    return place;
  }

  #isWorthRoom({ segments, sentAt }: SentPacket, now: Millis): boolean {
    const { length } = this.#places;
    if (segments.length > 0) return length < MAX_PLACES;
    return length < MAX_UNRELIABLE_PLACES && sentAt + YOUNG_MS > now;
  }

  #grow(): void {
    const size = Math.max(FIRST_PLACES, this.#places.length * 2);
    const used = this.#places.filter((place) => place.number >= 0);
    const places: (SentPacket | undefined)[] = new Array(size).fill(undefined);
    for (const place of used) places[place.number & (size - 1)] = place;
    this.#places = places.map((place) => place ?? emptyPlace());
  }
}

function emptyPlace(): SentPacket {
  return {
    number: -1,
    sentAt: 0,
    bytes: 0,
    flightBytes: 0,
    isLost: false,
    segments: [],
    older: undefined,
    newer: undefined,
  };
}
