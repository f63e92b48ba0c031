import type { Terminal } from '../main.ts';

/** Anything that JSON can hold and a person can read. */
export type Fact = string | number | boolean | null | { readonly [name: string]: Fact };

/**
 * What the command tells: sentences, or with `--json` one object a line. It goes to standard
 * output, or to standard error where standard output carries the peer's bytes.
 */
export class Voice {
  readonly #json: boolean;
  readonly #write: (text: string) => void;

  constructor(terminal: Terminal, options: { readonly json: boolean; readonly isPiped: boolean }) {
    this.#json = options.json;
    this.#write = (text) => (options.isPiped ? terminal.err(text) : terminal.out(text));
  }

  tell(event: string, sentence: string, facts: Readonly<Record<string, Fact>> = {}): void {
    this.#write(this.#json ? JSON.stringify({ event, ...facts }) : sentence);
  }
}
