import { nodeLegacyCrypto } from 'partyline/node';
import {
  parseRestUsername,
  type RestCredential,
  restCredential,
  restPassword,
} from 'partyline/protocol/turn';
import type { TurnAccount } from 'partyline/protocol/turn-server';
import type { Clock } from '../base/index.ts';

/** No longer than this from now, whoever says so: a leaked secret's credentials end too. */
const MAX_AHEAD_SEC = 7 * 86_400;

/** Whom a credential is for; in the username as `app:player:session`. */
export interface CredentialOwner {
  readonly app: string;
  readonly player: string;
  /** Ends with it; see {@link TurnCredentials.endSession}. */
  readonly session: string;
}

/** Who may use the relay: fixed users, and whoever brings a username that the secret has signed. */
export class TurnCredentials {
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #users: ReadonlyMap<string, string>;
  readonly #secret: string | undefined;
  readonly #isSessionBound: boolean;
  readonly #liveSessions = new Set<string>();

  constructor(
    clock: Pick<Clock, 'wallMs'>,
    options: {
      readonly users?: ReadonlyMap<string, string>;
      /** Shared with whoever hands out credentials; without it only `users` come in. */
      readonly secret?: string | undefined;
      /** Credentials are good only while their session is known here. Default: for who holds the secret alone. */
      readonly isSessionBound?: boolean;
    },
  ) {
    this.#clock = clock;
    this.#users = options.users ?? new Map();
    this.#secret = options.secret;
    this.#isSessionBound = options.isSessionBound ?? false;
  }

  /** For a session that is open now. @throws Error without a secret */
  issue({ app, player, session }: CredentialOwner, ttlSec: number): RestCredential {
    if (this.#secret === undefined) throw new Error('no secret to sign credentials with');
    this.#liveSessions.add(session);
    const expirySec = this.#clock.wallMs() / 1000 + ttlSec;
    return restCredential(nodeLegacyCrypto, this.#secret, expirySec, `${app}:${player}:${session}`);
  }

  /** Sessions whose credentials are good. */
  get liveSessions(): Iterable<string> {
    return this.#liveSessions;
  }

  /** Another program issued credentials of this session with our secret. */
  allowSession(session: string): void {
    this.#liveSessions.add(session);
  }

  /** Credentials of this session are good for nothing any more. */
  endSession(session: string): void {
    this.#liveSessions.delete(session);
  }

  /** As the core asks: for requests that make an allocation, so an expired name gets none. */
  accountOf(username: string): TurnAccount | undefined {
    const password = this.#users.get(username);
    if (password !== undefined) return { player: username, password };
    const rest = this.#secret === undefined ? undefined : parseRestUsername(username);
    if (this.#secret === undefined || !rest) return undefined;
    const nowSec = this.#clock.wallMs() / 1000;
    if (rest.expirySec <= nowSec || rest.expirySec > nowSec + MAX_AHEAD_SEC) return undefined;
    const owner = /^([a-z0-9-]+:[a-z0-9]+):([\w-]+)$/.exec(rest.name);
    const session = owner?.[2];
    const isLive = session !== undefined && this.#liveSessions.has(session);
    if (this.#isSessionBound && !isLive) return undefined;
    return {
      // Quotas are the player's: neither a fresh credential nor a second session has its own.
      player: owner?.[1] ?? rest.name,
      password: restPassword(nodeLegacyCrypto, this.#secret, username),
      ...(session === undefined ? {} : { session }),
    };
  }
}
