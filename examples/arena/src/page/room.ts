import type { Lobby, LobbyMember } from 'partyline';
import { openPeer } from 'partyline/browser';
import { type GameEvent, rules, type Ship } from '../game/index.ts';
import type { Frame } from '../match/history.ts';
import { announcePlaying, isPlaying, openMatch } from '../match/lobby-match.ts';
import type { Match } from '../match/match.ts';
import { inWords } from '../words.ts';
import { attachControls, type Controls } from './controls.ts';
import { Renderer } from './renderer.ts';
import { type Overlay, RoomScreen } from './room-screen.ts';
import { colorOf, memberOfPeer, roomView } from './room-view.ts';
import { startTicker, type Ticker } from './ticker.ts';
import { toast } from './toast.ts';

export interface RoomHandlers {
  /** The player is out of the lobby; `notice` says why, unless it was by own choice. */
  onClosed(notice: string | undefined): void;
}

/** Where the game of this lobby stands for this page. */
export type RoomPhase = 'opening' | 'playing' | 'waiting' | 'over';

/** How often names, pings and scores beside the game are brought up to date. */
const PANEL_MS = 200;
const EVENTS_KEPT = 100;

/** A lobby on the screen, and the matches that are played in it one after another. */
export class Room {
  readonly screen: RoomScreen;
  readonly lobby: Lobby;
  readonly #handlers: RoomHandlers;
  readonly #renderer: Renderer;
  readonly #controls: Controls;
  readonly #ticker: Ticker;
  readonly #ended = new AbortController();
  #match: Match | undefined;
  #phase: RoomPhase = 'waiting';
  #overlay: Overlay | undefined;
  /** Events wait here until the picture reaches their tick. */
  #pending: { readonly tick: number; readonly events: readonly GameEvent[] }[] = [];
  readonly #told: { readonly tick: number; readonly event: GameEvent }[] = [];
  #panelAtMs = 0;

  constructor(lobby: Lobby, handlers: RoomHandlers) {
    this.lobby = lobby;
    this.#handlers = handlers;
    const dash = (): void => this.#match?.dash();
    this.screen = new RoomScreen({
      onLeave: () => void this.#leave(),
      onKick: (member) => void this.#kick(member),
      onChat: (text) => void lobby.chat(text).catch((error) => toast(inWords(error), 'error')),
      onDash: dash,
    });
    this.#renderer = new Renderer(this.screen.canvas);
    this.#controls = attachControls({
      canvas: this.screen.canvas,
      toWorld: (x, y) => this.#renderer.toWorld(x, y),
      onDash: dash,
    });
    this.#ticker = startTicker(rules.ticksPerSecond, () => this.#tick());
    this.#listen();
    requestAnimationFrame((nowMs) => this.#draw(nowMs));
  }

  get match(): Match | undefined {
    return this.#match;
  }

  /** The newest of this match. */
  get events(): readonly { readonly tick: number; readonly event: GameEvent }[] {
    return this.#told;
  }

  get phase(): RoomPhase {
    return this.#phase;
  }

  /** Right after entering: an owner begins, others join what is being played or wait for it. */
  begin(): void {
    if (this.lobby.isOwner) void this.#open();
    else this.#joinOrWait();
  }

  close(): void {
    this.#ended.abort();
    this.#controls.close();
    this.#ticker.close();
    void this.#endMatch('left');
  }

  #listen(): void {
    const { events } = this.lobby;
    const options = { signal: this.#ended.signal };
    const { chat } = this.screen;
    events.on(
      'chatted',
      ({ from, text }) => chat.say(from.name, colorOf(from, this.#match), text),
      options,
    );
    events.on('memberJoined', ({ member }) => chat.note(`${member.name} joined`), options);
    events.on('memberReconnected', ({ member }) => chat.note(`${member.name} is back`), options);
    events.on(
      'memberDisconnected',
      ({ member }) => chat.note(`${member.name} lost the connection; the seat is held`),
      options,
    );
    events.on(
      'memberLeft',
      ({ member, cause }) => {
        chat.note(cause === 'kicked' ? `${member.name} was removed` : `${member.name} left`);
        this.#match?.forget(member.peer);
      },
      options,
    );
    events.on('ownerChanged', ({ owner }) => void this.#ownerChanged(owner), options);
    events.on('dataChanged', () => this.#phase === 'waiting' && this.#joinOrWait(), options);
    events.on('closed', ({ code, reason }) => this.#closed(code, reason), options);
  }

  /** Opens this epoch's match: as its host, or to its host. */
  async #open(): Promise<void> {
    const { lobby } = this;
    const { epoch } = lobby;
    this.#show('opening', {
      title: lobby.isOwner ? 'Opening the game' : `Connecting to ${lobby.owner.name}`,
      text: 'This takes a moment.',
    });
    try {
      const match = await openMatch(openPeer, lobby, {
        onEvents: (events, tick) => this.#happened(events, tick),
        onEnded: (reason) => this.#matchEnded(epoch, reason),
      });
      if (this.#ended.signal.aborted || lobby.epoch !== epoch) {
        return await match.close('the host changed');
      }
      this.#match = match;
      this.#pending = [];
      this.#show('playing', undefined);
      this.screen.canvas.focus();
      if (match.isHost) await announcePlaying(lobby);
    } catch (error) {
      // Also when it could not be announced: a match that nobody can find is none.
      if (lobby.epoch !== epoch) return;
      await this.#endMatch('could not be announced');
      this.#failed(inWords(error));
    }
  }

  #joinOrWait(): void {
    if (isPlaying(this.lobby)) void this.#open();
    else this.#wait('The game has not started', '');
  }

  #wait(title: string, text: string): void {
    const who = this.lobby.owner.name;
    this.#show('waiting', { title, text: `${text}Waiting for ${who} to start it.` });
  }

  #failed(text: string): void {
    if (this.#ended.signal.aborted) return;
    this.#show('over', {
      title: 'Not connected',
      text,
      action: { label: 'Try again', run: () => this.begin() },
    });
  }

  #happened(events: readonly GameEvent[], tick: number): void {
    this.#pending.push({ events, tick });
    // A hidden page draws nothing: what nobody will see is not kept.
    if (this.#pending.length > rules.ticksPerSecond) this.#pending.shift();
    this.#told.push(...events.map((event) => ({ tick, event })));
    this.#told.splice(0, Math.max(0, this.#told.length - EVENTS_KEPT));
  }

  #matchEnded(epoch: number, reason: string): void {
    this.#match = undefined;
    // With the owner goes the epoch: then `ownerChanged` says what happened, and better.
    if (this.lobby.epoch === epoch && !this.lobby.isClosed) {
      this.#failed(`The game with ${this.lobby.owner.name} ended: ${reason || 'the link broke'}.`);
    }
  }

  async #ownerChanged(owner: LobbyMember): Promise<void> {
    await this.#endMatch('the host changed');
    if (this.lobby.isClosed) return;
    this.screen.chat.note(`${owner.name} is the host now`);
    if (!this.lobby.isOwner) {
      if (isPlaying(this.lobby)) return void this.#open();
      return this.#wait('The host left', `${owner.name} is the host now. `);
    }
    this.#show('over', {
      title: 'The host left',
      text: 'You are the host now. Start a new game with everybody who is still here?',
      action: { label: 'Play again', run: () => void this.#open() },
    });
  }

  async #endMatch(reason: string): Promise<void> {
    const match = this.#match;
    this.#match = undefined;
    await match?.close(reason);
  }

  #closed(code: string, reason: string): void {
    const because = reason ? `: ${reason}.` : '.';
    const notices: Readonly<Record<string, string>> = {
      kicked: `You are out of the game${because}`,
      expired: 'You were away for too long, and your seat was given up.',
      ended: `The game was closed${because}`,
      sessionEnded: reason || 'The connection to the server ended.',
      unknown: 'You are no longer in this game.',
    };
    this.close();
    this.#handlers.onClosed(notices[code]);
  }

  async #leave(): Promise<void> {
    // The others hear "left" from the match and from the lobby; the match first, it is quicker.
    await this.#endMatch(this.lobby.isOwner ? 'the host left' : 'left');
    try {
      await this.lobby.leave();
    } catch (error) {
      toast(inWords(error), 'error');
      this.#closed('left', '');
    }
  }

  async #kick(member: number): Promise<void> {
    try {
      await this.lobby.kick(member, `removed by ${this.lobby.me.name}`);
    } catch (error) {
      toast(inWords(error), 'error');
    }
  }

  #tick(): void {
    const match = this.#match;
    if (!match) return;
    const own = match.history.latest?.ships.find((ship) => ship.id === match.self);
    match.steer(this.#controls.thrust(own));
    match.tick(performance.now());
  }

  #draw(nowMs: number): void {
    if (this.#ended.signal.aborted) return;
    requestAnimationFrame((next) => this.#draw(next));
    const match = this.#match;
    const frame = match?.history.frame(nowMs) ?? emptyFrame;
    if (match) {
      while (this.#pending[0] && this.#pending[0].tick <= frame.tick) {
        for (const event of this.#pending.shift()?.events ?? []) {
          this.#renderer.event(event, frame.ships);
        }
      }
    }
    const ships = withOwn(frame.ships, match?.predicted(nowMs));
    const nameOf = (id: number): string => memberOfPeer(this.lobby, id)?.name ?? '';
    this.#renderer.draw({ frame: { ...frame, ships }, self: match?.self, nameOf }, nowMs);
    if (nowMs - this.#panelAtMs >= PANEL_MS) {
      this.#panelAtMs = nowMs;
      this.#updatePanel();
    }
  }

  #show(phase: RoomPhase, overlay: Overlay | undefined): void {
    this.#phase = phase;
    this.#overlay = overlay;
    this.#updatePanel();
  }

  #updatePanel(): void {
    this.screen.update(roomView(this.lobby, this.#match, this.#overlay));
  }
}

/** The floor alone, while nothing is played. */
const emptyFrame: Frame = { tick: 0, phase: 'pause', phaseTicksLeft: 0, ships: [], gems: [] };

/** The others as they were a moment ago, the own ship as it will be. */
function withOwn<S extends Ship>(ships: readonly S[], own: Ship | undefined): S[] {
  return ships.map((ship) => (ship.id === own?.id ? { ...ship, ...own } : ship));
}
