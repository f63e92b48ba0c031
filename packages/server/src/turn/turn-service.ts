import { createHash } from 'node:crypto';
import type { RestCredential } from 'partyline/protocol/turn';
import type { TurnUsage } from 'partyline/protocol/turn-server';
import type { Cancel, Clock } from '../base/index.ts';
import type { RelayGroup } from './relay-group.ts';
import type { CredentialOwner, TurnCredentials } from './turn-credentials.ts';

/** What a client gives to ICE. */
export interface IceCredential {
  readonly urls: string[];
  readonly username: string;
  readonly credential: string;
  readonly ttlSec: number;
}

/** Enough of a hash to be nobody else's; it is in the username, and shorter is better there. */
const TAG_LETTERS = 16;

/** No app's name is reserved: this one's credentials live for a minute and are never given away. */
const TRIAL = 'selftest';
const TRIAL_SEC = 60;

/** Ties the relay to sessions: who gets credentials, and when what they made ends. */
export class TurnService {
  readonly #clock: Clock;
  readonly #credentials: TurnCredentials;
  readonly #relay: RelayGroup | undefined;
  readonly #urls: (localAddress: string, player: string) => readonly string[];
  readonly #ttlSec: number;
  readonly #holdMs: number;
  /** Sessions that have a credential and no socket, until they are over. */
  readonly #dropped = new Map<string, Cancel>();
  /** Sessions with a credential, and whose they are. */
  readonly #issued = new Map<string, string>();

  constructor(options: {
    readonly clock: Clock;
    readonly credentials: TurnCredentials;
    /** Absent: another program is the relay, and ends nothing for us. */
    readonly relay: RelayGroup | undefined;
    readonly urls: (localAddress: string, player: string) => readonly string[];
    readonly ttlSec: number;
    /** How long a session without a socket may be resumed. */
    readonly holdMs: number;
  }) {
    this.#clock = options.clock;
    this.#credentials = options.credentials;
    this.#relay = options.relay;
    this.#urls = options.urls;
    this.#ttlSec = options.ttlSec;
    this.#holdMs = options.holdMs;
  }

  /** For an open session; `localAddress` is where the client reached us. */
  issue(owner: CredentialOwner, localAddress: string): IceCredential {
    const session = tagOf(owner.session);
    this.#issued.set(session, playerOf(owner));
    this.#relay?.allowSession(session);
    const { username, password } = this.#credentials.issue({ ...owner, session }, this.#ttlSec);
    const urls = [...this.#urls(localAddress, playerOf(owner))];
    return { urls, username, credential: password, ttlSec: this.#ttlSec };
  }

  /** For a trial of our own; ended by {@link TurnService.endTrial}. */
  issueTrial(): RestCredential {
    this.#relay?.allowSession(TRIAL);
    return this.#credentials.issue({ app: TRIAL, player: TRIAL, session: TRIAL }, TRIAL_SEC);
  }

  endTrial(): void {
    this.#relay?.endSession(TRIAL);
  }

  /** The socket is gone: what was allocated stays as long as the session can be resumed. */
  drop(sessionId: string): void {
    const session = tagOf(sessionId);
    if (!this.#issued.has(session)) return;
    this.#dropped.get(session)?.();
    const cancel = this.#clock.after(this.#holdMs, () => this.#end(session));
    this.#dropped.set(session, cancel);
  }

  resume(sessionId: string): void {
    const session = tagOf(sessionId);
    this.#dropped.get(session)?.();
    this.#dropped.delete(session);
  }

  /** Logged out, revoked, over: its allocations end now, its credentials open nothing more. */
  end(sessionId: string): void {
    this.#end(tagOf(sessionId));
  }

  /** Bans: everything of this player ends now, and its credentials open nothing more. */
  endPlayer(player: string): void {
    for (const [session, owner] of this.#issued) if (owner === player) this.#end(session);
    this.#relay?.endPlayer(player);
  }

  /** Live usage, for the operator; empty when another program is the relay. */
  async usage(): Promise<TurnUsage[]> {
    return (await this.#relay?.usage()) ?? [];
  }

  async close(): Promise<void> {
    for (const cancel of this.#dropped.values()) cancel();
    await this.#relay?.close();
  }

  #end(session: string): void {
    this.#dropped.get(session)?.();
    this.#dropped.delete(session);
    if (!this.#issued.delete(session)) return;
    this.#credentials.endSession(session);
    this.#relay?.endSession(session);
  }
}

/** As usernames, quotas and usage have it. */
function playerOf({ app, player }: CredentialOwner): string {
  return `${app}:${player}`;
}

/** The session's id resumes it together with a secret: it is not to stand in a username. */
function tagOf(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('base64url').slice(0, TAG_LETTERS);
}
