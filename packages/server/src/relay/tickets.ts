import { type Clock, randomText, secretHash } from '../base/index.ts';
import type { Seat } from '../lobby/index.ts';

export const TICKET_MS = 30_000;
/** Unused tickets of all sessions together; the oldest goes first. */
const MAX_TICKETS = 10_000;

/** Single-use tickets for the relay socket, kept by the node that gave them. */
export class RelayTickets {
  readonly #clock: Clock;
  readonly #open = new Map<string, { readonly seat: Seat; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issue(seat: Seat): string {
    this.#forgetOld();
    const ticket = randomText(32);
    // Kept by its hash: looking it up tells nothing about a ticket by its time.
    this.#open.set(secretHash(ticket), { seat, untilMs: this.#clock.nowMs() + TICKET_MS });
    return ticket;
  }

  /** Whose ticket it is; used up by this call. */
  redeem(ticket: string): Seat | undefined {
    const key = secretHash(ticket);
    const found = this.#open.get(key);
    this.#open.delete(key);
    return found && this.#clock.nowMs() < found.untilMs ? found.seat : undefined;
  }

  #forgetOld(): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, { untilMs }] of this.#open) {
      if (untilMs > nowMs && this.#open.size < MAX_TICKETS) return; // in the order of issue
      this.#open.delete(key);
    }
  }
}
