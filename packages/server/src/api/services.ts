import type { App } from '../app/index.ts';
import type { Clock, KeepAlive, KeyedBuckets } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { KnownOrigins, Sessions } from '../identity/index.ts';
import type { Lobbies } from '../lobby/index.ts';
import type { RelayHub, RelayTickets } from '../relay/index.ts';
import type { SignalRouter } from '../rendezvous/index.ts';
import type { Store } from '../store/index.ts';
import type { TurnRelay, TurnService } from '../turn/index.ts';
import type { ServerLogger } from './logger.ts';

/** Everything a socket's requests need; one per server. */
export interface Services {
  readonly config: Config;
  readonly apps: ReadonlyMap<string, App>;
  readonly clock: Clock;
  readonly logger: ServerLogger;
  readonly store: Store;
  readonly sessions: Sessions;
  readonly lobbies: Lobbies;
  readonly signals: SignalRouter;
  readonly relay: RelayHub;
  readonly tickets: RelayTickets;
  readonly origins: KnownOrigins;
  /** Logins and resumes by address. */
  readonly logins: KeyedBuckets;
  readonly keepAlive: KeepAlive;
  /** What to tell a client that reached us by this address; empty without STUN. */
  stunUrls(localAddress: string): readonly string[];
  /** `undefined` without a relay. */
  turn(): TurnService | undefined;
  /** `undefined` also while another program is the relay. */
  turnRelay(): TurnRelay | undefined;
}
