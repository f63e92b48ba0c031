import { ChatBox } from './chat-box.ts';
import { copyText } from './copy.ts';
import { h, icon, icons, setHidden, setText } from './element.ts';
import { type PlayerRow, PlayerTable } from './player-table.ts';

export interface RoomActions {
  onLeave(): void;
  onKick(member: number): void;
  onChat(text: string): void;
  onDash(): void;
}

/** A card over the game: what is going on while nobody flies. */
export interface Overlay {
  readonly title: string;
  readonly text: string;
  readonly action?: { readonly label: string; run(): void };
}

export interface RoomView {
  readonly code: string;
  readonly link: string;
  readonly isPublic: boolean;
  readonly players: readonly PlayerRow[];
  readonly overlay: Overlay | undefined;
  /** Seconds left and what they are left of; `undefined` before the first tick. */
  readonly clock: { readonly seconds: number; readonly phase: 'play' | 'pause' } | undefined;
  /** Over the pause between two rounds. */
  readonly banner: string | undefined;
}

/** A lobby and its game: the canvas, who is here, chat, and how others get in. */
export class RoomScreen {
  readonly root: HTMLElement;
  readonly canvas: HTMLCanvasElement = h('canvas', { id: 'stage', tabindex: '0' });
  readonly chat: ChatBox;
  readonly #players: PlayerTable;
  readonly #code = h('strong', { id: 'room-code', class: 'code' });
  readonly #kind = h('span', { class: 'chip' });
  readonly #clock = h('div', { id: 'clock', class: 'clock', hidden: true });
  readonly #banner = h('div', { id: 'banner', class: 'banner', hidden: true });
  readonly #overlay = h('div', { id: 'overlay', class: 'overlay', hidden: true });
  #link = '';
  #shownOverlay: Overlay | undefined;

  constructor(actions: RoomActions) {
    this.chat = new ChatBox((text) => actions.onChat(text));
    this.#players = new PlayerTable((member) => actions.onKick(member));
    const dash = h('button', { id: 'dash', class: 'dash', type: 'button' }, 'Dash');
    // Not on click: it comes when the finger is lifted, which is late.
    dash.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      actions.onDash();
    });
    this.root = h(
      'main',
      { class: 'room' },
      h('div', { class: 'stage' }, this.canvas, this.#clock, this.#banner, this.#overlay, dash),
      h(
        'aside',
        { class: 'side' },
        this.#invite(actions),
        h('section', { class: 'panel' }, h('h2', {}, 'Players'), this.#players.root),
        h('section', { class: 'panel chat-panel' }, h('h2', {}, 'Chat'), this.chat.root),
      ),
    );
  }

  update(view: RoomView): void {
    this.#link = view.link;
    setText(this.#code, view.code);
    setText(this.#kind, view.isPublic ? 'Public' : 'Private');
    this.#players.update(view.players);
    setHidden(this.#clock, view.clock === undefined);
    if (view.clock) setText(this.#clock, clockText(view.clock.seconds));
    this.#clock.classList.toggle(
      'urgent',
      view.clock?.phase === 'play' && view.clock.seconds <= 10,
    );
    setHidden(this.#banner, view.banner === undefined || view.overlay !== undefined);
    setText(this.#banner, view.banner ?? '');
    this.#showOverlay(view.overlay);
  }

  #invite(actions: RoomActions): HTMLElement {
    const copyCode = this.#tool('copy-code', 'Copy code', icons.copy, () => {
      void copyText(this.#code.textContent ?? '', 'Code');
    });
    const copyLink = this.#tool('copy-link', 'Copy link', icons.link, () => {
      void copyText(this.#link, 'Link');
    });
    const leave = this.#tool('leave', 'Leave', icons.leave, () => actions.onLeave());
    return h(
      'section',
      { class: 'panel invite' },
      h('div', { class: 'invite-head' }, h('h2', {}, 'Invite'), this.#kind),
      this.#code,
      h('div', { class: 'tools' }, copyCode, copyLink, leave),
    );
  }

  #tool(id: string, label: string, path: string, onclick: () => void): HTMLElement {
    return h('button', { id, class: 'button tool', type: 'button', onclick }, icon(path), label);
  }

  #showOverlay(overlay: Overlay | undefined): void {
    const shown = this.#shownOverlay;
    this.#shownOverlay = overlay;
    setHidden(this.#overlay, overlay === undefined);
    if (!overlay || (shown?.title === overlay.title && shown.text === overlay.text)) return;
    const { action } = overlay;
    this.#overlay.replaceChildren(
      h(
        'div',
        { class: 'overlay-card', role: 'status' },
        h('h2', {}, overlay.title),
        h('p', {}, overlay.text),
        action &&
          h(
            'button',
            { id: 'overlay-action', class: 'button primary', onclick: () => action.run() },
            action.label,
          ),
      ),
    );
  }
}

function clockText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
