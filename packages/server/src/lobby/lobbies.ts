import { type App, appKey } from '../app/index.ts';
import { type Clock, KeyedBuckets, Refused, randomText } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { Store } from '../store/index.ts';
import type { CreateCommand, LobbyCommand } from './commands.ts';
import { HoldTimers } from './hold-timers.ts';
import type { ListFilter, LobbySummary } from './listing.ts';
import { type Changed, INVITE_MS, LobbyRecords } from './lobby-records.ts';
import { createLobby, createRefusal, isRefusal } from './rules.ts';
import { type LiveSession, Seat } from './seat.ts';
import { nextExpiryMs, unavailable } from './seat-rules.ts';
import { SeatTable } from './seat-table.ts';
import { type LobbyState, type LobbyView, type StringMap, viewOfLobby } from './state.ts';

/** A seat taken: say it to the session, then {@link Seated.open} lets the events through. */
export interface Seated {
  readonly lobby: LobbyView;
  readonly you: number;
  open(): void;
}

export type JoinBy =
  | { readonly type: 'id'; readonly id: string }
  | { readonly type: 'code'; readonly code: string }
  | { readonly type: 'invite'; readonly token: string };

export interface Arrival {
  readonly memberData: StringMap;
  readonly capabilities: readonly string[];
}

export type CreateSettings = Omit<CreateCommand, 'id' | 'code' | 'owner'>;

/** A command of a member, before it is known which member the session is. */
export type MemberCommand = LobbyCommand extends infer C
  ? C extends { by: number }
    ? Omit<C, 'by'>
    : never
  : never;

export interface LobbiesListener {
  /** This session does not speak for this member any more. */
  seatRemoved(seat: Seat): void;
  /** Something failed that nobody waits for: the store, or a defect. */
  failed(error: unknown): void;
}

/** The lobbies as the sessions of this node use them. */
export class Lobbies {
  readonly seats: SeatTable;
  readonly #records: LobbyRecords;
  readonly #clock: Clock;
  readonly #config: Pick<Config, 'limits' | 'seatHoldMs'>;
  readonly #failedJoins: KeyedBuckets;
  readonly #creates: KeyedBuckets;
  readonly #listener: LobbiesListener;
  readonly #holds: HoldTimers;
  readonly #counts = new Map<string, number>();

  constructor(
    store: Store,
    clock: Clock,
    config: Pick<Config, 'codeLength' | 'limits' | 'rateLimits' | 'seatHoldMs'>,
    listener: LobbiesListener,
  ) {
    this.#records = new LobbyRecords(store, clock, config);
    this.seats = new SeatTable(store, (seat) => listener.seatRemoved(seat));
    this.#clock = clock;
    this.#listener = listener;
    this.#holds = new HoldTimers(clock);
    this.#config = config;
    this.#failedJoins = new KeyedBuckets(config.rateLimits.failedJoin);
    this.#creates = new KeyedBuckets(config.rateLimits.create);
  }

  /** @throws Refused `LOBBY_LIMIT`, `RATE_LIMITED` */
  create(session: LiveSession, settings: CreateSettings, arrival: Arrival): Promise<Seated> {
    return this.#takeSeat(session, async () => {
      const { app, addressKey } = session;
      const nowMs = this.#clock.nowMs();
      if (!this.#creates.take(addressKey, nowMs)) {
        const waitMs = this.#creates.waitMs(addressKey, nowMs);
        throw new Refused('RATE_LIMITED', 'too many lobbies were created', waitMs);
      }
      const count = this.#counts.get(app.id) ?? 0;
      if (count >= this.#config.limits.lobbiesPerApp) {
        throw new Refused('LOBBY_LIMIT', 'this server has no room for another lobby of this app');
      }
      const id = randomText(16);
      const owner = this.#candidate(session, arrival);
      const { type, name, capacity, joinable, requireKey, data } = settings;
      const refusal = createRefusal({ requireKey, owner, data });
      if (refusal) throw new Refused(refusal.code, refusal.message);
      const code = await this.#records.reserveCode(app, id);
      const command = { id, code, type, name, capacity, joinable, requireKey, data, owner };
      const state = createLobby(command);
      if (isRefusal(state)) throw new Refused(state.code, state.message);
      const seat = new Seat(id, owner.id, session);
      try {
        await this.seats.add(seat);
        await this.#records.create(app, state);
      } catch (error) {
        this.seats.remove(seat); // the store failed: nobody may think that he is in
        throw error;
      }
      this.#counts.set(app.id, (this.#counts.get(app.id) ?? 0) + 1);
      return seated(seat, state);
    });
  }

  /** @throws Refused `LOBBY_UNAVAILABLE`, `LOBBY_ALREADY_MEMBER`, `LOBBY_LIMIT`, `RATE_LIMITED` */
  join(session: LiveSession, by: JoinBy, arrival: Arrival): Promise<Seated> {
    return this.#takeSeat(session, async () => {
      const key = `${session.app.id} ${session.addressKey}`;
      const nowMs = this.#clock.nowMs();
      // Taken before it is known to fail: guesses sent all at once must not all find the bucket full.
      if (!this.#failedJoins.take(key, nowMs)) {
        const waitMs = this.#failedJoins.waitMs(key, nowMs);
        throw new Refused('RATE_LIMITED', 'too many failed joins', waitMs);
      }
      let isGuess = false;
      try {
        return await this.#join(session, by, arrival);
      } catch (error) {
        isGuess = error instanceof Refused && error.code === 'LOBBY_UNAVAILABLE';
        throw error;
      } finally {
        if (!isGuess) this.#failedJoins.giveBack(key);
      }
    });
  }

  /** The seat is free at once; the leaver hears nothing more. @throws Refused `LOBBY_NOT_MEMBER` */
  async leave(session: LiveSession, lobby: string): Promise<void> {
    const seat = seatIn(session, lobby);
    this.seats.remove(seat);
    await this.#change(session.app, lobby, { type: 'leave', by: seat.member });
  }

  /** @throws Refused */
  async command(session: LiveSession, lobby: string, command: MemberCommand): Promise<void> {
    const { member } = seatIn(session, lobby);
    // Omit<…, 'by'> plus `by` is the union again; the compiler cannot see it through the spread.
    await this.#change(session.app, lobby, { ...command, by: member } as LobbyCommand);
  }

  /** @throws Refused `LOBBY_NOT_MEMBER` */
  async get(session: LiveSession, lobby: string): Promise<LobbyView> {
    seatIn(session, lobby);
    const state = await this.#records.load(session.app, lobby);
    if (!state) throw notMember();
    return viewOfLobby(state);
  }

  list(app: App, filters: readonly ListFilter[], limit: number): Promise<LobbySummary[]> {
    return this.#records.list(app, filters, limit);
  }

  /** @throws Refused `LOBBY_NOT_MEMBER` */
  async chat(session: LiveSession, lobby: string, text: string): Promise<void> {
    await this.#records.chat(session.app, lobby, seatIn(session, lobby).member, text);
  }

  /** @throws Refused `LOBBY_NOT_MEMBER` */
  async invite(
    session: LiveSession,
    lobby: string,
  ): Promise<{ token: string; expiresInMs: number }> {
    seatIn(session, lobby);
    return { token: await this.#records.makeInvite(session.app, lobby), expiresInMs: INVITE_MS };
  }

  /** The socket is gone: its seats are held, the others are told. */
  async drop(session: LiveSession): Promise<void> {
    const { generation } = session.record;
    const holdMs = this.#config.seatHoldMs;
    await this.#forEachSeat(session, ({ member }) => ({
      type: 'drop',
      by: member,
      generation,
      holdMs,
    }));
  }

  /** The session ended for good: its seats are free. */
  async leaveAll(session: LiveSession): Promise<void> {
    await this.#forEachSeat(session, ({ member }) => ({ type: 'leave', by: member }));
  }

  /** Takes the held seats of a resumed session again; those that expired meanwhile are left out. */
  async returnTo(session: LiveSession): Promise<Seated[]> {
    const { app, record } = session;
    const held = await this.#records.seatsOf(app, record.id);
    const back = [...held].map(async ([lobby, member]) => {
      const seat = new Seat(lobby, member, session);
      await this.seats.add(seat);
      try {
        const command = { type: 'return', by: member, generation: record.generation } as const;
        const { after } = await this.#change(app, lobby, command);
        if (after) {
          const back = seated(seat, after);
          if (session.isClosed) await this.#dropLate(session, back);
          return back;
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
      this.seats.remove(seat);
      return undefined;
    });
    return (await Promise.all(back)).filter((seat) => seat !== undefined);
  }

  /** Ends the timers; the store stays the caller's. */
  close(): void {
    this.#holds.close();
  }

  async #takeSeat(session: LiveSession, take: () => Promise<Seated>): Promise<Seated> {
    const { lobbiesPerSession } = this.#config.limits;
    if (session.seats.size + session.joining >= lobbiesPerSession) {
      throw new Refused('LOBBY_LIMIT', `a session can be in ${lobbiesPerSession} lobbies`);
    }
    session.joining++;
    try {
      const seat = await take();
      if (session.isClosed) await this.#dropLate(session, seat);
      return seat;
    } finally {
      session.joining--;
    }
  }

  /** The socket closed while the seat was being taken: {@link Lobbies.drop} came too early for it. */
  async #dropLate(session: LiveSession, { lobby, you }: Seated): Promise<void> {
    const { generation } = session.record;
    const holdMs = this.#config.seatHoldMs;
    try {
      const command = { type: 'drop', by: you, generation, holdMs } as const;
      await this.#change(session.app, lobby.id, command);
    } catch (error) {
      if (!(error instanceof Refused)) throw error; // gone already
    }
  }

  async #join(session: LiveSession, by: JoinBy, arrival: Arrival): Promise<Seated> {
    const { app } = session;
    const target = await this.#resolve(app, by);
    if (!target) throw new Refused(unavailable.code, unavailable.message);
    const { lobby } = target;
    const who = this.#candidate(session, arrival);
    if (session.seats.has(lobby)) {
      await target.restore?.();
      throw new Refused('LOBBY_ALREADY_MEMBER', 'you are in this lobby already');
    }
    const seat = new Seat(lobby, who.id, session);
    await this.seats.add(seat);
    try {
      const { after } = await this.#change(app, lobby, { type: 'join', via: by.type, who });
      if (!after) throw new Error('a join ended the lobby'); // the rules have no such outcome
      return seated(seat, after);
    } catch (error) {
      this.seats.remove(seat);
      await target.restore?.();
      throw error;
    }
  }

  async #resolve(
    app: App,
    by: JoinBy,
  ): Promise<{ lobby: string; restore?: () => Promise<void> } | undefined> {
    if (by.type === 'id') return { lobby: by.id };
    if (by.type === 'invite') return this.#records.redeemInvite(app, by.token);
    const lobby = await this.#records.lobbyOfCode(app, by.code);
    return lobby === undefined ? undefined : { lobby };
  }

  #candidate(session: LiveSession, { memberData, capabilities }: Arrival) {
    const { id, player, name, cert, proof, generation } = session.record;
    return {
      id: this.seats.freeMemberId(session.app),
      player,
      name,
      cert,
      proof,
      capabilities,
      data: memberData,
      session: id,
      generation,
    };
  }

  async #forEachSeat(session: LiveSession, command: (seat: Seat) => LobbyCommand): Promise<void> {
    const seats = [...session.seats.values()];
    for (const seat of seats) this.seats.remove(seat);
    await Promise.all(
      seats.map(async (seat) => {
        try {
          await this.#change(session.app, seat.lobby, command(seat));
        } catch (error) {
          if (!(error instanceof Refused)) throw error; // kicked or ended meanwhile: nothing to do
        }
      }),
    );
  }

  async #change(app: App, lobby: string, command: LobbyCommand): Promise<Changed> {
    const changed = await this.#records.change(app, lobby, command);
    if (changed.after === undefined) {
      this.#counts.set(app.id, Math.max(0, (this.#counts.get(app.id) ?? 0) - 1));
    }
    this.#armHold(app, lobby, changed.after);
    return changed;
  }

  /** Comes back when the next held seat is over; the change it makes then arms the next. */
  #armHold(app: App, lobby: string, state: LobbyState | undefined): void {
    this.#holds.arm(appKey(app, 'lobby', lobby), state && nextExpiryMs(state), () => {
      void this.#change(app, lobby, { type: 'expire' }).catch((error: unknown) => {
        // Refused: the lobby ended meanwhile.
        if (!(error instanceof Refused)) this.#listener.failed(error);
      });
    });
  }
}

function seatIn(session: LiveSession, lobby: string): Seat {
  const seat = session.seats.get(lobby);
  if (!seat) throw notMember();
  return seat;
}

function notMember(): Refused {
  return new Refused('LOBBY_NOT_MEMBER', 'you are not in this lobby');
}

function seated(seat: Seat, state: LobbyState): Seated {
  return {
    lobby: viewOfLobby(state),
    you: seat.member,
    open: () => seat.open(state.revision),
  };
}
