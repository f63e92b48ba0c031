import type { PortRange } from 'partyline/protocol/turn-server';
import { ConfigError } from '../config/index.ts';

/** EVEN-PORT asks for two in a row: RFC 8656 §7.2. */
const MIN_PORTS = 2;

/**
 * The relayed ports of several relays: parts of one range, and one more than there are relays. Who
 * starts anew takes the part that rested longest, so no player gets a port to which the peers of the
 * player before still send.
 */
export class PortSlices {
  readonly #free: PortRange[] = [];

  /** @throws ConfigError when the range is too short */
  constructor({ min, max }: PortRange, relays: number) {
    const parts = relays + 1;
    const length = Math.floor((max - min + 1) / parts / 2) * 2;
    if (length < MIN_PORTS) {
      throw new ConfigError(
        `The port range ${min}-${max} is too short for ${relays} relays: ${parts * MIN_PORTS} ports or more.`,
      );
    }
    for (let part = 0; part < parts; part++) {
      const first = min + part * length;
      this.#free.push({ min: first, max: first + length - 1 });
    }
  }

  take(): PortRange {
    const slice = this.#free.shift();
    if (!slice) throw new Error('more relays than slices'); // there is one more: a defect of ours
    return slice;
  }

  give(slice: PortRange): void {
    this.#free.push(slice);
  }
}
