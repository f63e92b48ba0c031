import { h, icon, icons, setHidden, setText } from './element.ts';

export interface ListedGame {
  readonly id: string;
  readonly name: string;
  readonly hostName: string;
  readonly players: number;
  readonly capacity: number;
}

export interface HomeActions {
  onCreate(type: 'public' | 'private'): void;
  /** A code or an invite link, as typed or pasted. */
  onJoin(text: string): void;
  onJoinListed(game: ListedGame): void;
  onRefresh(): void;
}

/** Where a player chooses a name and a game. */
export class HomeScreen {
  readonly root: HTMLElement;
  readonly #name: HTMLInputElement;
  readonly #notice: HTMLElement;
  readonly #list: HTMLElement;
  readonly #buttons: HTMLButtonElement[] = [];
  readonly #actions: HomeActions;

  constructor(name: string, actions: HomeActions) {
    this.#actions = actions;
    this.#name = h('input', {
      id: 'name',
      maxlength: '20',
      autocomplete: 'nickname',
      spellcheck: 'false',
      value: name,
    });
    this.#notice = h('p', { id: 'notice', class: 'notice', role: 'alert', hidden: true });
    this.#list = h('ul', { id: 'games', class: 'games' });
    this.root = h(
      'main',
      { class: 'home' },
      h(
        'header',
        { class: 'hero' },
        h('h1', {}, 'Arena'),
        h(
          'p',
          {},
          'Collect gems. Ram the others so that they drop theirs. Two to eight players, peer to peer.',
        ),
      ),
      this.#notice,
      h(
        'div',
        { class: 'cards' },
        h('section', { class: 'card' }, this.#playCard(), this.#joinCard()),
        h('section', { class: 'card' }, ...this.#listCard()),
      ),
      h(
        'footer',
        { class: 'keys' },
        h('kbd', {}, 'W A S D'),
        ' or arrows to fly · ',
        h('kbd', {}, 'Space'),
        ' to dash · or hold the mouse, or a finger, where you want to go',
      ),
    );
  }

  get name(): string {
    return this.#name.value.trim();
  }

  /** `undefined` takes the notice away. */
  showNotice(text: string | undefined): void {
    setHidden(this.#notice, text === undefined);
    setText(this.#notice, text ?? '');
  }

  setBusy(busy: boolean): void {
    for (const button of this.#buttons) button.disabled = busy;
    this.root.classList.toggle('busy', busy);
  }

  showGames(games: readonly ListedGame[]): void {
    if (games.length === 0) {
      this.#list.replaceChildren(h('li', { class: 'empty' }, 'No public game yet. Start one!'));
      return;
    }
    this.#list.replaceChildren(...games.map((game) => this.#listed(game)));
  }

  #playCard(): HTMLElement {
    return h(
      'div',
      { class: 'stack' },
      h('label', { class: 'field' }, h('span', {}, 'Your name'), this.#name),
      h(
        'div',
        { class: 'row' },
        this.#button('create-private', 'primary', 'Play with friends', () =>
          this.#actions.onCreate('private'),
        ),
        this.#button('create-public', 'secondary', 'Open to everyone', () =>
          this.#actions.onCreate('public'),
        ),
      ),
    );
  }

  #joinCard(): HTMLElement {
    const code = h('input', {
      id: 'code',
      placeholder: 'Code or invite link',
      autocomplete: 'off',
      autocapitalize: 'characters',
      spellcheck: 'false',
      'aria-label': 'Code or invite link',
    });
    const submit = this.#button('join', 'secondary', 'Join', () => {});
    submit.type = 'submit';
    return h(
      'form',
      {
        class: 'join',
        onsubmit: (event) => {
          event.preventDefault();
          this.#actions.onJoin(code.value);
        },
      },
      h('span', { class: 'or' }, 'or join'),
      h('div', { class: 'row' }, code, submit),
    );
  }

  #listCard(): HTMLElement[] {
    const refresh = this.#button('refresh', 'ghost', '', () => this.#actions.onRefresh());
    refresh.append(icon(icons.refresh));
    refresh.title = 'Refresh';
    refresh.setAttribute('aria-label', 'Refresh the list');
    return [h('div', { class: 'card-head' }, h('h2', {}, 'Public games'), refresh), this.#list];
  }

  #listed(game: ListedGame): HTMLElement {
    const join = this.#button('', 'secondary small', 'Join', () =>
      this.#actions.onJoinListed(game),
    );
    join.disabled = game.players >= game.capacity;
    return h(
      'li',
      { class: 'game', 'data-lobby': game.id },
      h('div', {}, h('strong', {}, game.name), h('span', {}, `hosted by ${game.hostName}`)),
      h('span', { class: 'seats' }, `${game.players} / ${game.capacity}`),
      join,
    );
  }

  #button(id: string, kind: string, label: string, onclick: () => void): HTMLButtonElement {
    const attributes = { class: `button ${kind}`, type: 'button', onclick };
    const button = h('button', id ? { id, ...attributes } : attributes, label);
    if (id) this.#buttons.push(button);
    return button;
  }
}
