import { h, icon, icons, setHidden, setText } from './element.ts';

export interface PlayerRow {
  readonly member: number;
  readonly name: string;
  /** CSS; `undefined` while without a ship. */
  readonly color: string | undefined;
  readonly score: number | undefined;
  readonly isYou: boolean;
  readonly isHost: boolean;
  readonly connected: boolean;
  /** What carries the bytes to the host, `webrtc` or `relay`; `undefined` while that is unknown. */
  readonly wire: string | undefined;
  readonly pingMs: number | undefined;
  readonly canKick: boolean;
}

interface Cells {
  readonly root: HTMLElement;
  readonly dot: HTMLElement;
  readonly name: HTMLElement;
  readonly tag: HTMLElement;
  readonly link: HTMLElement;
  readonly score: HTMLElement;
  readonly kick: HTMLButtonElement;
}

/** The players in the order of their scores. Rows are kept, so that a button does not vanish under a click. */
export class PlayerTable {
  readonly root: HTMLElement = h('ol', { id: 'players', class: 'players' });
  readonly #rows = new Map<number, Cells>();
  readonly #onKick: (member: number) => void;

  constructor(onKick: (member: number) => void) {
    this.#onKick = onKick;
  }

  update(players: readonly PlayerRow[]): void {
    for (const [member, cells] of this.#rows) {
      if (players.some((player) => player.member === member)) continue;
      cells.root.remove();
      this.#rows.delete(member);
    }
    const someKick = players.some((player) => player.canKick);
    players.forEach((player, index) => {
      const cells = this.#rows.get(player.member) ?? this.#addRow(player.member);
      fill(cells, player);
      // Beside others' buttons an empty place keeps the scores in one column.
      setHidden(cells.kick, !someKick);
      if (this.root.children[index] !== cells.root) {
        this.root.insertBefore(cells.root, this.root.children[index] ?? null);
      }
    });
  }

  #addRow(member: number): Cells {
    const kick = h('button', {
      class: 'button ghost kick',
      type: 'button',
      onclick: () => this.#onKick(member),
    });
    kick.append(icon(icons.kick));
    const cells = {
      dot: h('span', { class: 'dot' }),
      name: h('span', { class: 'player-name' }),
      tag: h('span', { class: 'tag' }),
      link: h('span', { class: 'link' }),
      score: h('span', { class: 'score' }),
      kick,
    };
    const who = h('div', { class: 'who' }, h('div', {}, cells.name, cells.tag), cells.link);
    const root = h(
      'li',
      { class: 'player', 'data-member': String(member) },
      cells.dot,
      who,
      cells.score,
      kick,
    );
    this.#rows.set(member, { root, ...cells });
    return { root, ...cells };
  }
}

function fill(cells: Cells, player: PlayerRow): void {
  cells.root.classList.toggle('away', !player.connected);
  cells.root.classList.toggle('you', player.isYou);
  cells.dot.style.setProperty('--color', player.color ?? 'transparent');
  setText(cells.name, player.name);
  const tags = [player.isYou && 'you', player.isHost && 'host'].filter(Boolean).join(' · ');
  setHidden(cells.tag, tags === '');
  setText(cells.tag, tags);
  setText(cells.link, linkText(player));
  cells.link.dataset.wire = player.wire ?? '';
  setText(cells.score, player.score === undefined ? '–' : String(player.score));
  cells.kick.classList.toggle('invisible', !player.canKick);
  if (player.canKick) {
    cells.kick.title = `Remove ${player.name}`;
    cells.kick.setAttribute('aria-label', `Remove ${player.name}`);
  }
}

function linkText({ connected, isHost, score, wire, pingMs }: PlayerRow): string {
  if (!connected) return 'away, the seat is held';
  if (score === undefined) return 'not in the game';
  if (isHost) return 'hosts the game';
  if (wire === undefined) return 'connected';
  return pingMs === undefined ? wire : `${wire} · ${Math.max(1, Math.round(pingMs))} ms`;
}
