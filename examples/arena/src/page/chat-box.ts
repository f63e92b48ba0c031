import { h } from './element.ts';

/** Older lines go. */
const MAX_LINES = 100;
/** What a chat line may have, as the server has it. */
const MAX_LENGTH = 200;

/** Lines of the players and of the game, and a field to write one. */
export class ChatBox {
  readonly root: HTMLElement;
  readonly #lines = h('div', {
    id: 'chat',
    class: 'chat-lines',
    role: 'log',
    'aria-live': 'polite',
  });

  constructor(onSend: (text: string) => void) {
    const field = h('input', {
      id: 'chat-text',
      maxlength: String(MAX_LENGTH),
      placeholder: 'Say something',
      autocomplete: 'off',
      'aria-label': 'Chat message',
    });
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') field.blur();
    });
    const form = h('form', { class: 'chat-form' }, field);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (text) onSend(text);
      field.value = '';
    });
    this.root = h('div', { class: 'chat' }, this.#lines, form);
  }

  say(name: string, color: string | undefined, text: string): void {
    const who = h('strong', {}, `${name} `);
    if (color) who.style.color = color;
    this.#add(h('p', {}, who, text));
  }

  note(text: string): void {
    this.#add(h('p', { class: 'note' }, text));
  }

  #add(line: HTMLElement): void {
    this.#lines.append(line);
    while (this.#lines.childElementCount > MAX_LINES) this.#lines.firstElementChild?.remove();
    this.#lines.scrollTop = this.#lines.scrollHeight;
  }
}
