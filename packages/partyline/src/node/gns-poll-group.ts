import { Emitter } from '../base/index.ts';
import type { ReceivedMessage } from '../snp/index.ts';
import type { Connection } from './gns-connection.ts';

export interface GroupMessage {
  readonly connection: Connection;
  readonly message: ReceivedMessage;
}

export type PollGroupEvents = {
  /** Some connection has messages: drain {@link PollGroup.receive}. */
  readable: undefined;
};

/** Many connections, received from as one: GNS's poll group. */
export class PollGroup {
  readonly events: Pick<Emitter<PollGroupEvents>, 'on'>;
  readonly #emitter = new Emitter<PollGroupEvents>();
  readonly #members = new Set<Connection>();
  readonly #readable = new Set<Connection>();

  constructor() {
    this.events = this.#emitter;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#members;
  }

  /** The next message of any connection, one from each in turn. */
  receive(): GroupMessage | undefined {
    for (const connection of this.#readable) {
      this.#readable.delete(connection);
      const message = connection.receive();
      if (message === undefined) continue;
      this.#readable.add(connection); // to the end of the queue
      return { connection, message };
    }
    return undefined;
  }

  /** Through {@link Connection.pollGroup}. */
  add(connection: Connection): void {
    this.#members.add(connection);
    this.#readable.add(connection);
  }

  remove(connection: Connection): void {
    this.#members.delete(connection);
    this.#readable.delete(connection);
  }

  tellReadable(connection: Connection): void {
    this.#readable.add(connection);
    this.#emitter.emit('readable', undefined);
  }
}
