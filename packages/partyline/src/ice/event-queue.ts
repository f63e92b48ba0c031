import type { IceEvent } from './agent-event.ts';
import { iceLimits } from './limits.ts';

/** What an agent has to tell, in order; datagrams are bounded, since the other side makes them. */
export class EventQueue {
  readonly #events: IceEvent[] = [];
  #datagrams = 0;
  /** Datagrams that were dropped because nobody took those before. */
  dropped = 0;

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  push(event: IceEvent): void {
    if (event.type === 'datagram') {
      if (this.#datagrams >= iceLimits.waitingDatagrams) {
        this.dropped += 1;
        return;
      }
      this.#datagrams += 1;
    }
    this.#events.push(event);
  }

  shift(): IceEvent | undefined {
    const event = this.#events.shift();
    if (event?.type === 'datagram') this.#datagrams -= 1;
    return event;
  }
}
