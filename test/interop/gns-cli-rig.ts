import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = join(import.meta.dirname, '../../packages/server/bin/partyline.js');

/** One line of `--json`. */
export type Line = Readonly<Record<string, unknown>>;

/** `partyline gns …` as a process. */
export class GnsTool implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  /** The exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  readonly #child;
  readonly #waiting = new Set<() => void>();

  /** `input` is all of its standard input. */
  constructor(args: readonly string[], input = '') {
    this.#child = spawn(process.execPath, [bin, 'gns', ...args]);
    const hear = (list: string[]) => (line: string) => {
      list.push(line);
      for (const look of [...this.#waiting]) look();
    };
    createInterface({ input: this.#child.stdout }).on('line', hear(this.lines));
    createInterface({ input: this.#child.stderr }).on('line', hear(this.errors));
    this.exited = once(this.#child, 'close').then(([code, signal]) => {
      for (const look of [...this.#waiting]) look();
      return code ?? signal;
    });
    this.#child.stdin.end(input);
  }

  /** The first JSON line of that event, wherever it was told. */
  async line(event: string): Promise<Line> {
    for (;;) {
      const found = [...this.lines, ...this.errors]
        .filter((text) => text.startsWith('{'))
        .map((text): Line => JSON.parse(text))
        .find((line) => line.event === event);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) {
        throw new Error(`it ended without ${event}:\n${this.errors.join('\n')}`);
      }
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#waiting.delete(look);
          resolve();
        };
        this.#waiting.add(look);
      });
    }
  }

  /** `HOST:PORT` that it listens on. */
  async address(): Promise<string> {
    const { host, port } = await this.line('listening');
    return `${host}:${port}`;
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    await this.exited;
  }
}

/** Listens on a free port, with JSON lines. */
export function listening(...args: string[]): GnsTool {
  return new GnsTool(['listen', '127.0.0.1:0', '--json', ...args]);
}
