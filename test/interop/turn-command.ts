import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Credential } from '../scenario/turn-probe.ts';

const command = new URL('../../packages/server/bin/partyline.js', import.meta.url).pathname;

/** `partyline …` as a process of its own, as an operator runs it. */
export class TurnCommand implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #wake: () => void = () => {};

  constructor(args: readonly string[]) {
    this.#child = spawn('node', [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error('no output');
    // The greeting comes by one, the log by the other.
    for (const input of [stdout, stderr]) {
      createInterface({ input }).on('line', (line) => {
        this.#lines.push(line);
        this.#wake();
      });
    }
    this.#child.once('exit', () => this.#wake());
  }

  /** Waits for a line that has not been looked at yet. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const seen: string[] = [];
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        const match = pattern.exec(line);
        if (match) return match;
        seen.push(line);
      }
      if (this.#child.exitCode !== null) {
        throw new Error(`ended before it said ${pattern}, but it said ${seen.join('\n')}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }
}

/** `relay` on loopback, with alice and bob. */
export function relayProcess(...args: readonly string[]): TurnCommand {
  const users = ['--user', 'alice:wonderland', '--user', 'bob:builder'];
  const where = ['--listen', '127.0.0.1:0', '--relay-address', '127.0.0.1'];
  return new TurnCommand(['relay', ...where, ...users, ...args]);
}

/** For one of its users, on one of its ports. */
export function credentialOf(user: 'alice' | 'bob', port: number): Credential {
  const credential = user === 'alice' ? 'wonderland' : 'builder';
  const urls = [`turn:127.0.0.1:${port}?transport=udp`, `turn:127.0.0.1:${port}?transport=tcp`];
  return {
    urls: [...urls, `turns:127.0.0.1:${port}?transport=tcp`],
    ...{ username: user, credential, ttlSec: 600 },
  };
}
