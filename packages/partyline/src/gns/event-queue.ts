import type { Millis } from '../base/index.ts';
import type { GnsConnection } from './connection.ts';
import type { StateChange } from './connection-life.ts';

export type GnsEvent =
  /** Somebody asks to connect: accept it or close it before TimeoutInitial. */
  | { readonly type: 'incoming'; readonly connection: GnsConnection }
  | {
      readonly type: 'stateChanged';
      readonly connection: GnsConnection;
      readonly change: StateChange;
    }
  /** Messages have come: drain {@link GnsConnection.receive}. */
  | { readonly type: 'readable'; readonly connection: GnsConnection };

/** What connections have to tell the application, in order. */
export class EventQueue {
  readonly #events: GnsEvent[] = [];
  #incoming = 0;

  /** Connections that wait to be accepted. */
  get incoming(): number {
    return this.#incoming;
  }

  shift(): GnsEvent | undefined {
    return this.#events.shift();
  }

  /** Takes what `connection` has to tell. One that has ended is closed: nothing is left to do. */
  take(now: Millis, connection: GnsConnection): void {
    const isServer = connection.role === 'server';
    for (let change = connection.pollChange(); change; change = connection.pollChange()) {
      const isIncoming = isServer && change.state === 'connecting';
      if (isIncoming) this.#events.push({ type: 'incoming', connection });
      else this.#events.push({ type: 'stateChanged', connection, change });
      if (isIncoming) this.#incoming += 1;
      else if (isServer && change.previous === 'connecting') this.#incoming -= 1;
      const isEnded = change.state === 'closedByPeer' || change.state === 'problemDetectedLocally';
      if (isEnded) connection.close(now);
      if (change.state === 'dead') connection.config.release();
    }
    if (connection.pollReadable()) this.#events.push({ type: 'readable', connection });
  }
}
