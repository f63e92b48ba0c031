import type { Millis } from '../base/index.ts';

/** A packet that skips more than this does not wait: more is missing than was swapped. */
const MAX_SKIP = 8;
const NUMBER_AT = 5;
/** After so many that waited for nothing the path loses packets and does not swap them. */
const MAX_IN_VAIN = 16;

/** When a packet is to be processed, in respect of the one that is held. */
export type PacketTurn = 'now' | 'later' | 'beforeHeld' | 'afterHeld';

/**
 * GNS's out-of-order correction: a packet that skips a few waits a moment for those it overtook, so
 * that a swapped pair is neither weird nor late. At most one is held. GNS `HandleOutOfOrderPacket`,
 * which waits after every loss; here a path must swap packets now and then to be waited for, because
 * where many are lost, under overload, each wait costs as much again as the packet.
 */
export class PacketOrder {
  #held: Uint8Array | undefined;
  #heldNumber = 0;
  #until: Millis = Number.POSITIVE_INFINITY;
  /** Packets held since the last one that came late. */
  #inVain = 0;

  /** When the held packet waits no longer; Infinity for none. */
  get until(): Millis {
    return this.#until;
  }

  /** `later`: it was copied, and comes out of {@link PacketOrder.shift}. */
  turnOf(now: Millis, datagram: Uint8Array, newest: number, windowMs: number): PacketTurn {
    const number = (datagram[NUMBER_AT] ?? 0) | ((datagram[NUMBER_AT + 1] ?? 0) << 8);
    if (this.#held === undefined) {
      const skip = behind(number, newest);
      if (skip < 0) this.#inVain = 0;
      if (windowMs <= 0 || skip < 2 || skip > MAX_SKIP || this.#inVain >= MAX_IN_VAIN) return 'now';
      this.#inVain += 1;
      this.#held = datagram.slice();
      this.#heldNumber = number;
      this.#until = now + windowMs;
      return 'later';
    }
    const before = behind(this.#heldNumber, number);
    if (before < 1) return 'afterHeld';
    this.#inVain = 0;
    return before > 1 ? 'now' : 'beforeHeld';
  }

  /** The held packet, which is held no longer. */
  shift(): Uint8Array | undefined {
    const held = this.#held;
    this.#held = undefined;
    this.#until = Number.POSITIVE_INFINITY;
    return held;
  }
}

/** How many numbers `later` comes after `earlier`, by their low 16 bits. */
function behind(later: number, earlier: number): number {
  return ((later - earlier) << 16) >> 16;
}
