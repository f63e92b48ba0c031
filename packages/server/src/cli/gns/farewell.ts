import type { GnsTap } from 'partyline/node';
import { PacketType } from 'partyline/protocol/gns';

/** GNS repeats a close that nobody answers at 500 and 1000 ms; then nobody is there. */
const PATIENCE_MS = 1600;

/**
 * Hears a peer confirm that a connection is over. A process that ends before that may leave a
 * peer, whose copy of the close was lost, waiting for its time-out.
 */
export class Farewell implements Pick<GnsTap, 'datagram'> {
  #heard = 0;
  #look: () => void = () => {};

  datagram(direction: 'in' | 'out', _local: unknown, _remote: unknown, bytes: Uint8Array): void {
    if (direction === 'out' || bytes[0] !== PacketType.NoConnection) return;
    this.#heard += 1;
    this.#look();
  }

  /** Settles when so many peers have confirmed, at the latest after GNS's own repeats. */
  async settled(count: number): Promise<void> {
    if (this.#heard >= count) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      this.#look = () => {
        if (this.#heard < count) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
