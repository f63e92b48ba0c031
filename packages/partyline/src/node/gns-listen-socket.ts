import type { Emitter } from '../base/index.ts';
import { EndReason, type GnsConfig, type GnsEndpoint, type UdpAddress } from '../gns/index.ts';
import type { Connection } from './gns-connection.ts';
import type { ConnectionBook } from './gns-connection-book.ts';
import type { GnsHost } from './gns-host.ts';

export type ListenSocketEvents = {
  /** Somebody asks to connect: {@link ListenSocket.accept} it or close it within TimeoutInitial. */
  incoming: Connection;
};

/** GNS's listen socket: takes requests, and carries the connections that came from them. */
export class ListenSocket implements AsyncDisposable {
  readonly events: Pick<Emitter<ListenSocketEvents>, 'on'>;
  readonly #host: GnsHost;
  readonly #connections: ConnectionBook;

  constructor(host: GnsHost, connections: ConnectionBook, emitter: Emitter<ListenSocketEvents>) {
    this.#host = host;
    this.#connections = connections;
    this.events = emitter;
  }

  /** What its connections inherit; changes reach those too that are there already. */
  get config(): GnsConfig {
    return this.#host.endpoint.config;
  }

  get address(): UdpAddress {
    return this.#host.driver.localAddress;
  }

  /** Refused and unreadable datagrams that belong to no connection. */
  get counts(): Readonly<GnsEndpoint<UdpAddress>['counts']> {
    return { ...this.#host.endpoint.counts };
  }

  get connections(): readonly Connection[] {
    return this.#connections.all();
  }

  /** It is connected at once. False when it has ended meanwhile. */
  accept(connection: Connection): boolean {
    const core = this.#connections.coreOf(connection);
    const isAccepted = core !== undefined && this.#host.endpoint.accept(this.#host.now(), core);
    this.#host.schedule();
    return isAccepted;
  }

  /** Ends every connection of the socket, then the socket. */
  async close(reason: number = EndReason.AppGeneric, debug = ''): Promise<void> {
    this.#host.endpoint.isListening = false;
    await Promise.all(this.connections.map((connection) => connection.close(reason, debug)));
    await this.#host.close();
    this.config.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
