import {
  type ChildProcessWithoutNullStreams,
  execFile,
  execFileSync,
  spawn,
} from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { PeerCommand, PeerLine } from './ice-peer.ts';

const script = join(import.meta.dirname, 'natlab.sh');
const run = promisify(execFile);

/** Why the lab cannot be built here; `undefined` when it can. */
export function whyNoLab(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const program of ['ip', 'nft']) {
    try {
      execFileSync(program, ['-V'], { stdio: 'ignore' });
    } catch {
      return `no ${program}`;
    }
  }
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
  } catch {
    return 'the system makes no network namespaces';
  }
  return undefined;
}

/** A miniature internet of network namespaces: `natlab.sh` says what it can do. */
export class Lab implements AsyncDisposable {
  readonly #prefix: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'natlab-'));
  readonly #children = new Set<ChildProcessWithoutNullStreams>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A verb of the script. */
  async do(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(script, ['-p', this.#prefix, ...words]);
    return stdout.trim();
  }

  /** A program in a host's namespace, ended with the lab. */
  spawn(host: string, program: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    const words = ['netns', 'exec', `${this.#prefix}-${host}`, program, ...args];
    const child = spawn('ip', words);
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  /** A TypeScript program as one file, so that many copies start fast. */
  async bundle(source: string): Promise<string> {
    const outfile = join(this.#folder, `${source.replace(/.*\//, '')}.mjs`);
    await build({
      entryPoints: [source],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
      external: ['node-datachannel'],
      // What ws asks for in CommonJS.
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; globalThis.require = requireOf(import.meta.url);",
      },
    });
    return outfile;
  }

  /** A file of the lab's own folder, which goes with it. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = [...this.#children].map((child) => once(child, 'close'));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(ended);
    await this.do('down', '--kill');
    rmSync(this.#folder, { recursive: true });
  }
}

/** One player in a namespace. */
export class RemotePeer {
  readonly lines: PeerLine[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #listeners = new Set<(line: PeerLine) => void>();
  readonly #errors: string[] = [];
  /** Give up what they wait for, since it cannot come any more. */
  readonly #waiting = new Set<() => void>();

  /** `command` is a program that speaks as `ice-peer.ts` does, with its arguments. */
  constructor(lab: Lab, host: string, [program = '', ...args]: readonly string[]) {
    this.#child = lab.spawn(host, program, args);
    const { stdout, stderr } = this.#child;
    createInterface({ input: stdout }).on('line', (text) => {
      const line: PeerLine = JSON.parse(text);
      this.lines.push(line);
      for (const listener of [...this.#listeners]) listener(line);
    });
    createInterface({ input: stderr }).on('line', (text) => this.#errors.push(text));
    this.#child.once('close', () => {
      for (const end of [...this.#waiting]) end();
    });
  }

  tell(command: PeerCommand): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Called with each line from now on; returns what ends it. */
  listen(listener: (line: PeerLine) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The next line, or one of the past from `since` on, that passes. @throws Error after `withinMs` */
  until<T extends PeerLine>(
    passes: (line: PeerLine) => line is T,
    withinMs?: number,
    since?: number,
  ): Promise<T>;
  until(passes: (line: PeerLine) => boolean, withinMs?: number, since?: number): Promise<PeerLine>;
  until(
    passes: (line: PeerLine) => boolean,
    withinMs = 20_000,
    since = this.lines.length,
  ): Promise<PeerLine> {
    const known = this.lines.slice(since).find(passes);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        end();
        this.#waiting.delete(giveUp);
      };
      const giveUp = (): void => {
        stop();
        const last = this.lines.slice(-5).map((line) => JSON.stringify(line));
        reject(new Error(`it never came; last was\n${[...last, ...this.#errors].join('\n')}`));
      };
      const timer = setTimeout(giveUp, withinMs);
      const end = this.listen((line) => {
        if (!passes(line)) return;
        stop();
        resolve(line);
      });
      this.#waiting.add(giveUp);
    });
  }
}
