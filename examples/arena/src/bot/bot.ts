import { setInterval as everyMs } from 'node:timers/promises';
import type { Lobby } from 'partyline';
import { connect, openPeer } from 'partyline/node';
import { type GameEvent, rules, type ShipId } from '../game/index.ts';
import { isPlaying, openMatch } from '../match/lobby-match.ts';
import type { Match } from '../match/match.ts';
import { inWords } from '../words.ts';
import { decide } from './brain.ts';
import type { BotEnd, BotOptions } from './options.ts';
import { type Report, standings } from './report.ts';

/** How often the scores are told, in ticks. */
const STANDING_TICKS = 10 * rules.ticksPerSecond;

interface Ending {
  readonly end: BotEnd;
  readonly reason: string;
}

/** A player without a screen: joins, waits for the game, plays it, and says what happens. */
export class Bot {
  readonly #options: BotOptions;
  readonly #report: Report;
  /** Aborts with the {@link Ending} as its reason: whoever waits for anything hears of it. */
  readonly #ended = new AbortController();

  constructor(options: BotOptions, report: Report) {
    this.#options = options;
    this.#report = report;
  }

  /** Settles when everything it opened is closed. */
  async run(interrupted: AbortSignal): Promise<BotEnd> {
    interrupted.addEventListener('abort', () => this.#end('done', 'Left the game.'), {
      once: true,
    });
    const { server, app, name, target } = this.#options;
    try {
      const signal = interrupted;
      await using session = await connect({ server, app, name, signal });
      const lobby = await session.lobbies.join(target, { signal });
      await this.#play(lobby);
    } catch (error) {
      // An abort of ours rejects whatever was under way; its reason is already known.
      this.#end('notConnected', inWords(error));
    }
    const { end, reason } = this.#ended.signal.reason as Ending; // set by #end, which always ran
    this.#report.say({ type: 'ended', end, reason });
    return end;
  }

  async #play(lobby: Lobby): Promise<void> {
    const { signal } = this.#ended;
    this.#report.say({
      type: 'joined',
      code: lobby.code,
      host: lobby.owner.name,
      players: lobby.members.length,
    });
    lobby.events.on('closed', ({ code, reason }) => {
      if (code === 'kicked')
        this.#end('kicked', `The host removed me: ${reason || 'no reason given'}.`);
      else if (code !== 'left') this.#end('gameEnded', `The lobby closed: ${reason || code}.`);
    });
    lobby.events.on('ownerChanged', () => this.#end('gameEnded', 'The host left.'));
    await this.#waitForStart(lobby);
    if (signal.aborted) return;
    const match = await openMatch(openPeer, lobby, {
      onEvents: (events) => this.#tell(lobby, events),
      onEnded: (reason) => this.#end('gameEnded', `The game ended: ${reason}.`),
    });
    try {
      await this.#fly(lobby, match);
    } finally {
      await match.close('left');
    }
  }

  async #waitForStart(lobby: Lobby): Promise<void> {
    if (isPlaying(lobby)) return;
    this.#report.say({ type: 'waiting', host: lobby.owner.name });
    const { signal } = this.#ended;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      lobby.events.on('dataChanged', () => isPlaying(lobby) && resolve(), { signal });
    });
  }

  async #fly(lobby: Lobby, match: Match): Promise<void> {
    const host = lobby.owner.peer;
    let wire = match.link(host)?.wire ?? 'unknown';
    this.#report.say({ type: 'playing', self: match.self, wire });
    let first: number | undefined;
    let told = 0;
    for await (const _ of everyMs(1000 / rules.ticksPerSecond)) {
      if (this.#ended.signal.aborted) return;
      const now = match.link(host)?.wire ?? wire;
      if (now !== wire) this.#report.say({ type: 'wire', wire: now });
      wire = now;
      this.#steer(match);
      const { latest } = match.history;
      if (!latest) continue;
      first ??= latest.tick;
      if (latest.tick - told >= STANDING_TICKS) {
        told = latest.tick;
        const scores = standings(latest, (id) => nameOf(lobby, id));
        this.#report.say({ type: 'standing', tick: latest.tick, scores });
      }
      if (this.#options.ticks !== undefined && latest.tick - first >= this.#options.ticks) {
        return this.#finish(match, first, wire);
      }
    }
  }

  #steer(match: Match): void {
    const { latest } = match.history;
    if (latest) {
      const input = decide(latest, match.self);
      match.steer(input);
      if (input.dash) match.dash();
    }
    match.tick(performance.now());
  }

  #finish(match: Match, first: number, wire: string): void {
    const { latest, ticks } = match.history;
    if (!latest) return;
    const score = latest.ships.find((ship) => ship.id === match.self)?.score ?? 0;
    const seen = ticks.filter((tick) => tick >= first).length;
    this.#report.say({ type: 'result', self: match.self, wire, score, seen, snapshot: latest });
    this.#end('done', 'Played as long as asked for.');
  }

  #tell(lobby: Lobby, events: readonly GameEvent[]): void {
    for (const event of events) {
      if (event.type === 'rammed') {
        const [by, ship] = [nameOf(lobby, event.by), nameOf(lobby, event.ship)];
        this.#report.say({ type: 'rammed', by, ship, gems: event.gems });
      } else if (event.type === 'roundOver') {
        const winner = event.winner === undefined ? undefined : nameOf(lobby, event.winner);
        this.#report.say({ type: 'round', winner, score: event.score });
      }
    }
  }

  /** The first ending counts. */
  #end(end: BotEnd, reason: string): void {
    const ending: Ending = { end, reason };
    if (!this.#ended.signal.aborted) this.#ended.abort(ending);
  }
}

function nameOf(lobby: Lobby, peer: ShipId): string {
  return lobby.members.find((member) => member.peer === peer)?.name ?? 'somebody';
}
