import type { Lobby, Session } from 'partyline';
import { connect } from 'partyline/browser';
import { rules } from '../game/index.ts';
import { inWords } from '../words.ts';
import { type Address, defaultName } from './address.ts';
import { startBackdrop } from './backdrop.ts';
import { h } from './element.ts';
import { HomeScreen, type ListedGame } from './home-screen.ts';
import { Room } from './room.ts';
import { toast } from './toast.ts';

/** The page: the home screen, or a room. Holds one session with the server, made when needed. */
export class App {
  readonly #root: HTMLElement;
  readonly #address: Address;
  #home: HomeScreen | undefined;
  #backdrop: { close(): void } | undefined;
  #room: Room | undefined;
  #session: Session | undefined;

  constructor(root: HTMLElement, address: Address) {
    this.#root = root;
    this.#address = address;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get room(): Room | undefined {
    return this.#room;
  }

  /** Back into the room that a reload left, or into the one the address invites to, or home. */
  async start(): Promise<void> {
    this.#showHome(undefined);
    await this.#attempt(async () => {
      const session = await this.#connected();
      const [held] = session.lobbies.joined.values();
      const { invite } = this.#address;
      if (held) this.#enter(held);
      else if (invite) await this.#follow(session, invite);
      else await this.#refresh();
    });
  }

  async #follow(session: Session, invite: string): Promise<void> {
    try {
      this.#enter(await session.lobbies.join(invite));
    } catch (error) {
      clearHash(); // or every reload would try it again
      throw error;
    }
  }

  #showHome(notice: string | undefined): void {
    this.#room = undefined;
    const canvas = h('canvas', { id: 'backdrop', 'aria-hidden': 'true' });
    this.#home = new HomeScreen(this.#name(), {
      onCreate: (type) => void this.#wanted(() => this.#create(type)),
      onJoin: (text) => void this.#wanted(() => this.#join(text)),
      onJoinListed: ({ id }) => void this.#wanted(() => this.#join({ id })),
      onRefresh: () => void this.#wanted(() => this.#refresh()),
    });
    this.#home.showNotice(notice);
    this.#root.replaceChildren(canvas, this.#home.root);
    this.#backdrop?.close();
    this.#backdrop = startBackdrop(canvas);
  }

  #enter(lobby: Lobby): void {
    this.#backdrop?.close();
    this.#backdrop = undefined;
    this.#home = undefined;
    // Whoever reloads, or shares the address as it stands, comes to this room.
    history.replaceState(null, '', `#join=${lobby.code}`);
    this.#room = new Room(lobby, { onClosed: (notice) => this.#left(notice) });
    this.#root.replaceChildren(this.#room.screen.root);
    this.#room.begin();
  }

  #left(notice: string | undefined): void {
    clearHash();
    this.#showHome(notice);
    // A session that just ended has said why; a new one is made when the player wants something.
    if (this.#session) void this.#attempt(() => this.#refresh());
  }

  async #create(type: 'public' | 'private'): Promise<void> {
    const session = await this.#connected();
    const name = `${session.name}’s arena`;
    this.#enter(await session.lobbies.create({ type, name, capacity: rules.maxShips }));
  }

  async #join(target: string | { id: string }): Promise<void> {
    const session = await this.#connected();
    this.#enter(await session.lobbies.join(target));
  }

  async #refresh(): Promise<void> {
    const session = await this.#connected();
    const lobbies = await session.lobbies.list();
    this.#home?.showGames(
      lobbies.map(
        (lobby): ListedGame => ({
          id: lobby.id,
          name: lobby.name || lobby.code,
          hostName: lobby.ownerName,
          players: lobby.members,
          capacity: lobby.capacity,
        }),
      ),
    );
  }

  /** The session under the name in the field: another name is another login of the same guest. */
  async #connected(): Promise<Session> {
    const name = this.#home?.name || this.#name();
    if (this.#session && this.#session.name !== name) {
      const old = this.#session;
      this.#session = undefined;
      await old.close();
    }
    if (!this.#session) {
      const { as, server, app } = this.#address;
      const session = await connect({ server, app, name, as, inviteBase: this.#inviteBase() });
      this.#session = session;
      localStorage.setItem(this.#nameKey, session.name);
      session.events.on('stateChanged', ({ state }) => {
        if (state === 'reconnecting') toast('The server is out of reach. Trying again …', 'error');
      });
      session.events.on('ended', ({ reason }) => {
        if (this.#session !== session) return;
        this.#session = undefined;
        this.#home?.showNotice(inWords(reason));
      });
    }
    return this.#session;
  }

  /** Something the player asked for: what was said before is done with. */
  #wanted(work: () => Promise<void>): Promise<void> {
    this.#home?.showNotice(undefined);
    return this.#attempt(work);
  }

  /** Shows what went wrong on the home screen; nothing else may be started meanwhile. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    const home = this.#home;
    home?.setBusy(true);
    try {
      await work();
    } catch (error) {
      this.#home?.showNotice(inWords(error));
    } finally {
      home?.setBusy(false);
    }
  }

  /** Who follows an invite comes to the same server and app, but not as the same guest. */
  #inviteBase(): string {
    const url = new URL(location.href);
    url.searchParams.delete('as');
    return url.href;
  }

  get #nameKey(): string {
    return `arena/name/${this.#address.as ?? ''}`;
  }

  #name(): string {
    return (
      this.#home?.name ||
      localStorage.getItem(this.#nameKey) ||
      defaultName(this.#address.as, Math.random)
    );
  }
}

function clearHash(): void {
  history.replaceState(null, '', location.pathname + location.search);
}
