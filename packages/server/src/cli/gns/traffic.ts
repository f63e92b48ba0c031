import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'partyline/node';
import { SendFlag } from 'partyline/protocol/snp';

/** How soon a full send buffer is looked at again, in ms. */
const RETRY_MS = 2;
/** After so many messages in one go the event loop turns. */
const BURST_MESSAGES = 256;

/** Can it still send? */
export function isOpen({ state }: Connection): boolean {
  return state === 'connecting' || state === 'findingRoute' || state === 'connected';
}

/** Everything that was sent has left, and what is reliable has arrived. */
export function isDelivered(connection: Connection): boolean {
  const s = connection.stats();
  return s.pendingReliableBytes + s.pendingUnreliableBytes + s.sentUnackedReliableBytes === 0;
}

/** Sends all that `messages` gives, as fast as the send buffer takes it. The number sent. */
export async function sendAll(
  connection: Connection,
  messages: Iterable<Uint8Array>,
  options: { readonly isReliable: boolean; readonly lanes: number },
): Promise<number> {
  const flags = options.isReliable ? SendFlag.Reliable : SendFlag.Unreliable;
  let sent = 0;
  for (const bytes of messages) {
    if (!(await sendOne(connection, bytes, flags, sent % options.lanes))) return sent;
    sent += 1;
    if (sent % BURST_MESSAGES === 0) await new Promise(setImmediate);
  }
  if (isOpen(connection)) connection.flush();
  return sent;
}

/** False when the connection has ended before the message was taken. */
async function sendOne(
  connection: Connection,
  bytes: Uint8Array,
  flags: number,
  lane: number,
): Promise<boolean> {
  while (isOpen(connection)) {
    if (connection.send(bytes, flags, lane) > 0) return true;
    await sleep(RETRY_MS);
  }
  return false;
}

/** Settles when {@link isDelivered} or the connection is over. */
export async function delivered(connection: Connection): Promise<void> {
  while (isOpen(connection) && !isDelivered(connection)) await sleep(RETRY_MS);
}

/**
 * Gives each message that comes to `take`, in order. While that says false, nothing more is
 * taken, so that the receive buffer fills and slows the peer down; `resume` goes on.
 */
export class Intake {
  readonly #connection: Connection;
  readonly #take: (bytes: Uint8Array, lane: number, isReliable: boolean) => boolean;
  readonly #drained: () => void;
  #isPaused = false;

  constructor(
    connection: Connection,
    take: (bytes: Uint8Array, lane: number, isReliable: boolean) => boolean,
    drained: () => void = () => {},
  ) {
    this.#connection = connection;
    this.#take = take;
    this.#drained = drained;
    connection.events.on('readable', () => this.#pull());
    this.#pull();
  }

  resume(): void {
    this.#isPaused = false;
    this.#pull();
  }

  #pull(): void {
    while (!this.#isPaused) {
      const message = this.#connection.receive();
      if (message === undefined) {
        this.#drained();
        return;
      }
      this.#isPaused = !this.#take(message.bytes, message.lane, message.isReliable);
    }
  }
}
