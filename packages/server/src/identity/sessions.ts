import { nodeCrypto } from 'partyline/node';
import { issueCert } from 'partyline/protocol/cert';
import { type App, appKey } from '../app/index.ts';
import {
  type Clock,
  Refused,
  randomBytes,
  randomText,
  sameText,
  secretHash,
} from '../base/index.ts';
import type { Store, Stored } from '../store/index.ts';
import { fromText, toText } from './bytes.ts';
import type { Proven } from './login.ts';

/** How long a session's certificate is good; a resumed session gets a new one at half of it. */
const CERT_LIFETIME_SEC = 2 * 86_400;
const ID_BYTES = 16;
const SECRET_BYTES = 16;

/** A session, as stored. */
export interface SessionRecord extends Proven {
  readonly id: string;
  /** Which socket speaks for it; goes up with every resume. */
  readonly generation: number;
  /** Of the one token that resumes it. */
  readonly tokenHash: string;
  /** Of the token that was used last, until the client shows that it got the next one. */
  readonly previousHash: string | undefined;
  readonly cert: string;
  readonly certExpirySec: number;
}

/** A session that a socket has just opened or resumed. */
export interface OpenSession {
  readonly record: SessionRecord;
  readonly resumeToken: string;
}

/** Told to the sockets of a session on other generations. */
export interface SessionNotice {
  readonly type: 'replaced';
  /** The sockets that have to go: those of this generation and before. */
  readonly upTo: number;
}

/** Sessions of all apps: opened by a login, dropped, resumed, ended. */
export class Sessions {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #holdMs: number;

  constructor(store: Store, clock: Clock, holdMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#holdMs = holdMs;
  }

  async open(app: App, proven: Proven): Promise<OpenSession> {
    const id = randomText(ID_BYTES);
    const { token, tokenHash } = newToken(id);
    const { cert, certExpirySec } = this.#certify(app, proven);
    // Field by field: spreads of three objects cost more than all the rest of a login but its signatures.
    const { player, name, proof, sessionKey } = proven;
    const record: SessionRecord = {
      player,
      name,
      proof,
      sessionKey,
      id,
      generation: 1,
      tokenHash,
      previousHash: undefined,
      cert,
      certExpirySec,
    };
    const isNew = await this.#store.write({ key: keyOf(app, id), from: 0, value: record });
    if (!isNew) throw new Error('two sessions have one id'); // 128 random bits: a defect of ours
    return { record, resumeToken: token };
  }

  /**
   * Hands the session to another socket; the caller has verified the session key's signature.
   * The token is good once, and again as long as nothing was heard by the socket that got the next
   * one: that answer was lost, to a reload or the network. Any other second use means that two hold
   * the token: the session that came of the first use ends with `SESSION_REPLACED` (RFC 9700
   * §4.14.2), and the second user gets nothing.
   * @throws Refused `SESSION_EXPIRED`
   */
  async resume(app: App, token: string, sessionKey: string): Promise<OpenSession> {
    const id = sessionIdOf(token);
    for (;;) {
      const stored = await this.#load(app, id);
      // The key counts before the token: who has not the key learns and ends nothing.
      if (!stored || !sameText(stored.value.sessionKey, sessionKey)) throw expired();
      const { value: before, revision } = stored;
      const tokenHash = secretHash(token);
      if (
        !sameText(before.tokenHash, tokenHash) &&
        !sameText(before.previousHash ?? '', tokenHash)
      ) {
        await this.#revoke(app, stored);
        throw expired();
      }
      const next = newToken(id);
      const record = {
        ...before,
        ...this.#renewedCert(app, before),
        generation: before.generation + 1,
        tokenHash: next.tokenHash,
        previousHash: tokenHash,
      };
      const notice: SessionNotice = { type: 'replaced', upTo: before.generation };
      const publish = { channel: keyOf(app, id), message: notice };
      const won = await this.#store.write({
        key: keyOf(app, id),
        from: revision,
        value: record,
        publish,
      });
      if (won) return { record, resumeToken: next.token };
    }
  }

  /** The socket of this generation was heard: it has its token, so the one before is spent for good. */
  async confirm(app: App, { id, generation }: SessionRecord): Promise<void> {
    for (;;) {
      const stored = await this.#load(app, id);
      if (stored?.value.generation !== generation || stored.value.previousHash === undefined)
        return;
      const value: SessionRecord = { ...stored.value, previousHash: undefined };
      if (await this.#store.write({ key: keyOf(app, id), from: stored.revision, value })) return;
    }
  }

  /** Calls back when this generation's socket is to go. */
  async watch(app: App, record: SessionRecord, onReplaced: () => void): Promise<() => void> {
    const unwatch = await this.#store.subscribe(keyOf(app, record.id), (message) => {
      // What is published on a session's channel is a notice of ours.
      const notice = message as SessionNotice;
      if (notice.upTo >= record.generation) onReplaced();
    });
    // What was published before we listened: nobody can have resumed the first generation yet.
    if (record.generation > 1) {
      const stored = await this.#load(app, record.id);
      if (stored?.value.generation !== record.generation) onReplaced();
    }
    return unwatch;
  }

  /** The socket is gone: the session can be resumed for as long as seats are held. */
  async drop(app: App, { id, generation }: SessionRecord): Promise<'held' | 'resumed' | 'over'> {
    const stored = await this.#load(app, id);
    if (!stored) return 'over'; // revoked, or ended elsewhere
    if (stored.value.generation !== generation) return 'resumed';
    await this.#store.expire(keyOf(app, id), this.#holdMs);
    return 'held';
  }

  /** For good: cannot be resumed. */
  async end(app: App, { id }: SessionRecord): Promise<void> {
    for (;;) {
      const stored = await this.#load(app, id);
      if (!stored) return;
      const gone = { key: keyOf(app, id), from: stored.revision, value: undefined };
      if (await this.#store.write(gone)) return;
    }
  }

  async #revoke(app: App, { value, revision }: Stored<SessionRecord>): Promise<void> {
    const notice: SessionNotice = { type: 'replaced', upTo: value.generation };
    const publish = { channel: keyOf(app, value.id), message: notice };
    await this.#store.write({
      key: keyOf(app, value.id),
      from: revision,
      value: undefined,
      publish,
    });
  }

  #load(app: App, id: string): Promise<Stored<SessionRecord> | undefined> {
    return this.#store.load<SessionRecord>(keyOf(app, id));
  }

  #certify(app: App, { player, sessionKey }: Proven): { cert: string; certExpirySec: number } {
    const timeCreatedSec = Math.floor(this.#clock.wallMs() / 1000);
    const timeExpirySec = timeCreatedSec + CERT_LIFETIME_SEC;
    const cert = issueCert(nodeCrypto, app.ca.seed, {
      identity: `str:${player}`,
      publicKey: fromText(sessionKey),
      timeCreatedSec,
      timeExpirySec,
      caKeyId: app.ca.keyId,
    });
    return { cert: toText(cert), certExpirySec: timeExpirySec };
  }

  #renewedCert(app: App, record: SessionRecord): { cert: string; certExpirySec: number } {
    const secondsLeft = record.certExpirySec - this.#clock.wallMs() / 1000;
    if (secondsLeft <= CERT_LIFETIME_SEC / 2) return this.#certify(app, record);
    return { cert: record.cert, certExpirySec: record.certExpirySec };
  }
}

/** The id finds the record, the secret proves it: what is stored is a hash of both. */
function newToken(id: string): { token: string; tokenHash: string } {
  const bytes = new Uint8Array(ID_BYTES + SECRET_BYTES);
  bytes.set(fromText(id));
  bytes.set(randomBytes(SECRET_BYTES), ID_BYTES);
  const token = toText(bytes);
  return { token, tokenHash: secretHash(token) };
}

function sessionIdOf(token: string): string {
  return toText(fromText(token).subarray(0, ID_BYTES));
}

function keyOf(app: App, id: string): string {
  return appKey(app, 'session', id);
}

function expired(): Refused {
  return new Refused('SESSION_EXPIRED', 'this session cannot be resumed; log in anew');
}
