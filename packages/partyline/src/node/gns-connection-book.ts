import type { Logger } from '../base/index.ts';
import type { GnsConnection, GnsEvent } from '../gns/index.ts';
import type { Connection } from './gns-connection.ts';

/** The public side of an endpoint's connections. */
export class ConnectionBook {
  readonly #byCore = new Map<GnsConnection, Connection>();
  readonly #cores = new WeakMap<Connection, GnsConnection>();
  readonly #logger: Logger | undefined;

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  add(core: GnsConnection, connection: Connection): void {
    this.#byCore.set(core, connection);
    this.#cores.set(connection, core);
  }

  get(core: GnsConnection): Connection | undefined {
    return this.#byCore.get(core);
  }

  all(): Connection[] {
    return [...this.#byCore.values()];
  }

  coreOf(connection: Connection): GnsConnection | undefined {
    return this.#cores.get(connection);
  }

  #warn({ id, remote }: GnsConnection): void {
    const why = remote?.warning;
    if (why !== undefined) this.#logger?.warn({ connection: id, why }, 'peer is not authenticated');
  }

  /** Passes an endpoint's event on to the connection it is about. */
  tell(event: Exclude<GnsEvent, { type: 'incoming' }>): void {
    const connection = this.#byCore.get(event.connection);
    if (event.type === 'readable') {
      connection?.tellReadable();
      return;
    }
    if (event.change.state === 'connected') this.#warn(event.connection);
    connection?.tellChange(event.change);
    if (event.change.state === 'dead' || event.change.state === 'finWait') {
      this.#byCore.delete(event.connection);
    }
  }
}
