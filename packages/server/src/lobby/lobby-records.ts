import { type App, appKey } from '../app/index.ts';
import {
  type Clock,
  KeyedQueue,
  Refused,
  randomBytes,
  randomText,
  secretHash,
} from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { Store } from '../store/index.ts';
import { randomCode } from './code.ts';
import type { LobbyCommand } from './commands.ts';
import { type ListFilter, type LobbySummary, selectLobbies, summaryOf } from './listing.ts';
import { applyCommand, isRefusal } from './rules.ts';
import { unavailable } from './seat-rules.ts';
import type { LobbyMessage } from './seat-table.ts';
import type { LobbyState } from './state.ts';

/** A code that was in use is not given again for so long. */
const CODE_REST_MS = 24 * 3_600_000;
/** An invite is good for so long. */
export const INVITE_MS = 3_600_000;
const CODE_ATTEMPTS = 64;

interface Invite {
  readonly lobby: string;
  readonly endsAtMs: number;
}

/** A full queue refuses none of these: a seat that nobody speaks for would stay for good. One a seat. */
const mustHappen: ReadonlySet<LobbyCommand['type']> = new Set([
  ...(['leave', 'end', 'drop', 'return', 'expire'] as const),
]);

/** What a command did. */
export interface Changed {
  readonly before: LobbyState;
  /** `undefined`: the lobby is gone. */
  readonly after: LobbyState | undefined;
}

/** Lobbies in the store: the rules applied to what is there, one command of a lobby after the other. */
export class LobbyRecords {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #codeLength: number;
  readonly #queue: KeyedQueue;

  constructor(store: Store, clock: Clock, config: Pick<Config, 'codeLength' | 'limits'>) {
    this.#store = store;
    this.#clock = clock;
    this.#codeLength = config.codeLength;
    this.#queue = new KeyedQueue(config.limits.commandsWaiting);
  }

  /** A code that leads to this lobby from now on. @throws Refused `LOBBY_LIMIT` when (nearly) all are taken */
  async reserveCode(app: App, lobby: string): Promise<string> {
    for (let attempt = 0; attempt < CODE_ATTEMPTS; attempt++) {
      const code = randomCode(this.#codeLength, randomBytes);
      const key = appKey(app, 'code', code);
      if (await this.#store.write({ key, from: 0, value: lobby })) return code;
    }
    throw new Refused('LOBBY_LIMIT', 'no lobby code is free');
  }

  /** Where a code leads; the lobby may be gone. */
  async lobbyOfCode(app: App, code: string): Promise<string | undefined> {
    return (await this.#store.load<string>(appKey(app, 'code', code)))?.value;
  }

  async create(app: App, state: LobbyState): Promise<void> {
    const isNew = await this.#store.write({ key: keyOf(app, state.id), from: 0, value: state });
    if (!isNew) throw new Error('two lobbies have one id'); // 128 random bits: a defect of ours
    await this.#afterChange(app, undefined, state);
  }

  async load(app: App, lobby: string): Promise<LobbyState | undefined> {
    return (await this.#store.load<LobbyState>(keyOf(app, lobby)))?.value;
  }

  /** Applies a command; a conflict with another node is tried again on the new revision. @throws Refused */
  change(app: App, lobby: string, command: LobbyCommand): Promise<Changed> {
    const key = keyOf(app, lobby);
    const apply = async (): Promise<Changed> => {
      for (;;) {
        const stored = await this.#store.load<LobbyState>(key);
        if (!stored) throw new Refused(unavailable.code, unavailable.message);
        const before = stored.value;
        const ruling = applyCommand(before, command, this.#clock.wallMs());
        if (isRefusal(ruling)) throw new Refused(ruling.code, ruling.message);
        const { state, events } = ruling;
        if (events.length === 0) return { before, after: before };
        const message: LobbyMessage = {
          type: 'changed',
          revision: state?.revision ?? before.revision + 1,
          events,
        };
        const publish = { channel: key, message };
        if (await this.#store.write({ key, from: stored.revision, value: state, publish })) {
          await this.#afterChange(app, before, state);
          return { before, after: state };
        }
      }
    };
    return mustHappen.has(command.type)
      ? this.#queue.runAnyway(key, apply)
      : this.#queue.run(key, apply);
  }

  async list(app: App, filters: readonly ListFilter[], limit: number): Promise<LobbySummary[]> {
    const all = await this.#store.readIndex<LobbySummary>(appKey(app, 'list'));
    return selectLobbies(all.values(), filters, limit);
  }

  chat(app: App, lobby: string, from: number, text: string): Promise<void> {
    const message: LobbyMessage = { type: 'chatted', from, text, atMs: this.#clock.wallMs() };
    return this.#store.publish(keyOf(app, lobby), message);
  }

  async makeInvite(app: App, lobby: string): Promise<string> {
    const token = randomText(24);
    await this.#putInvite(app, token, { lobby, endsAtMs: this.#clock.wallMs() + INVITE_MS });
    return token;
  }

  /** Uses the invite up; `restore` makes it good again when the join came to nothing. */
  async redeemInvite(
    app: App,
    token: string,
  ): Promise<{ lobby: string; restore: () => Promise<void> } | undefined> {
    const key = appKey(app, 'invite', secretHash(token));
    const stored = await this.#store.load<Invite>(key);
    if (!stored) return undefined;
    if (!(await this.#store.write({ key, from: stored.revision, value: undefined })))
      return undefined;
    const { value } = stored;
    return { lobby: value.lobby, restore: () => this.#putInvite(app, token, value) };
  }

  /** The seats of a session, wherever its sockets were: lobby id → member id. */
  async seatsOf(app: App, session: string): Promise<ReadonlyMap<string, number>> {
    return new Map(await this.#store.readIndex<number>(appKey(app, 'seats', session)));
  }

  async #putInvite(app: App, token: string, invite: Invite): Promise<void> {
    const expiresInMs = invite.endsAtMs - this.#clock.wallMs();
    if (expiresInMs <= 0) return;
    const key = appKey(app, 'invite', secretHash(token));
    await this.#store.write({ key, from: 0, value: invite, expiresInMs });
  }

  /** What hangs on the record: the list, the seats of sessions, the code of a lobby that ended. */
  async #afterChange(
    app: App,
    before: LobbyState | undefined,
    after: LobbyState | undefined,
  ): Promise<void> {
    const summary = after && summaryOf(after);
    const id = after?.id ?? before?.id ?? '';
    if (summary) await this.#store.putIndex(appKey(app, 'list'), id, summary);
    else if (before && summaryOf(before)) await this.#store.removeIndex(appKey(app, 'list'), id);
    if (before?.members !== after?.members) await this.#indexSeats(app, id, before, after);
    if (!after && before) await this.#store.expire(appKey(app, 'code', before.code), CODE_REST_MS);
  }

  async #indexSeats(
    app: App,
    lobby: string,
    before: LobbyState | undefined,
    after: LobbyState | undefined,
  ): Promise<void> {
    const old = new Map(before?.members.map(({ id, session }) => [id, session]));
    for (const { id, session } of after?.members ?? []) {
      if (!old.delete(id)) await this.#store.putIndex(appKey(app, 'seats', session), lobby, id);
    }
    for (const session of old.values()) {
      await this.#store.removeIndex(appKey(app, 'seats', session), lobby);
    }
  }
}

function keyOf(app: App, lobby: string): string {
  return appKey(app, 'lobby', lobby);
}
