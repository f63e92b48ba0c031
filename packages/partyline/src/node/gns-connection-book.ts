import type { Logger } from '../base/index.ts';
import type { GnsConnection, GnsEvent } from '../gns/index.ts';
import { Connection } from './gns-connection.ts';

/** The public side of an endpoint's connections. */
export class ConnectionBook {
  readonly #connections = new Set<Connection>();
  readonly #cores = new WeakMap<Connection, GnsConnection>();
  readonly #logger: Logger | undefined;

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  add(core: GnsConnection, connection: Connection): void {
    core.userData = connection;
    this.#connections.add(connection);
    this.#cores.set(connection, core);
  }

  #of(core: GnsConnection): Connection | undefined {
    return core.userData instanceof Connection ? core.userData : undefined;
  }

  all(): Connection[] {
    return [...this.#connections];
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
    const connection = this.#of(event.connection);
    if (event.type === 'readable') {
      connection?.tellReadable();
      return;
    }
    if (event.change.state === 'connected') this.#warn(event.connection);
    connection?.tellChange(event.change);
    if (event.change.state === 'dead' || event.change.state === 'finWait') {
      event.connection.userData = undefined;
      if (connection !== undefined) this.#connections.delete(connection);
    }
  }
}
