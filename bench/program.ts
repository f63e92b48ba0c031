import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Figures, Question } from './measured.ts';

/** A task that takes longer than this has failed. */
const ANSWER_LIMIT_MS = 120_000;

/** A measured program, running in a process of its own; see `measured.ts` for its side. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Where it listens; 0 for clients. */
  readonly port: number;

  static async start(file: URL, args: readonly string[] = []): Promise<Program> {
    const child = fork(file, [...args], {
      execArgv: ['--import', 'tsx', ...(process.env.NODE_ARGS?.split(' ') ?? [])],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 2, 2, 'ipc'], // its words are not our results
    });
    const ready = await nextAnswer(child, 'ready');
    return new Program(child, ready.port);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** User and system time so far, in microseconds. */
  async cpuUs(): Promise<number> {
    return (await this.#ask({ type: 'cpu' }, 'cpu')).cpuUs;
  }

  /** What it counts of itself, as of now. */
  async figures(): Promise<Figures> {
    return (await this.#ask({ type: 'figures' }, 'figures')).figures;
  }

  /** Wall-clock time of the task, in milliseconds. Rejects with the reason when it fails. */
  async run(name: string, count: number): Promise<number> {
    return (await this.#ask({ type: 'task', name, count }, 'done')).elapsedMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #ask<T extends Answer['type']>(
    question: Question,
    type: T,
  ): Promise<Extract<Answer, { type: T }>> {
    const answer = nextAnswer(this.#child, type);
    this.#child.send(question);
    return answer;
  }
}

function nextAnswer<T extends Answer['type']>(
  child: ChildProcess,
  type: T,
): Promise<Extract<Answer, { type: T }>> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      act();
    };
    const fail = (reason: string): void => settle(() => reject(new Error(reason)));
    const onMessage = (answer: Answer): void => {
      if (answer.type === 'failed') fail(answer.reason);
      // The comparison proves what the compiler cannot follow through the type parameter.
      else if (answer.type === type) settle(() => resolve(answer as Extract<Answer, { type: T }>));
    };
    const onExit = (): void => fail(`${child.spawnargs.at(-1)} ended`);
    const timer = setTimeout(() => fail(`no answer (${type}) in time`), ANSWER_LIMIT_MS);
    child.on('message', onMessage).on('exit', onExit);
  });
}
