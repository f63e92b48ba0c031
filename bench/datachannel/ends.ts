import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Command, Report } from './end.ts';

const LIMIT_MS = 60_000;

/** Two processes of one side of the comparison, and the way for their signals between them. */
export class Ends implements AsyncDisposable {
  readonly #ends: readonly [ChildProcess, ChildProcess];

  static async start(side: 'partyline' | 'raw'): Promise<Ends> {
    const start = async (): Promise<ChildProcess> => {
      const end = fork(new URL('end.ts', import.meta.url), [side], {
        execArgv: ['--import', 'tsx'],
        stdio: ['ignore', 2, 2, 'ipc'],
      });
      await nextReport(end, 'ready');
      return end;
    };
    return new Ends([await start(), await start()]);
  }

  private constructor(ends: readonly [ChildProcess, ChildProcess]) {
    this.#ends = ends;
    const [a, b] = ends;
    const carry = (to: ChildProcess) => (report: Report) => {
      if (report.type === 'signal') tell(to, report);
    };
    a.on('message', carry(b));
    b.on('message', carry(a));
  }

  /** Milliseconds until both ends are open. */
  async open(): Promise<number> {
    const [a, b] = this.#ends;
    const opened = Promise.all([nextReport(a, 'opened'), nextReport(b, 'opened')]);
    const start = performance.now();
    tell(b, { type: 'open', offers: false });
    tell(a, { type: 'open', offers: true });
    await opened;
    return performance.now() - start;
  }

  async close(): Promise<void> {
    for (const end of this.#ends) tell(end, { type: 'close' });
    await new Promise((resolve) => setTimeout(resolve, 30)); // sockets and threads go
  }

  async figure(type: 'pingPong' | 'stream', count: number): Promise<number> {
    const [a] = this.#ends;
    const figure = nextReport(a, 'figure');
    tell(a, { type, count });
    return (await figure).figure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) {
      const ended = once(end, 'exit');
      end.kill('SIGKILL');
      await ended;
    }
  }
}

function tell(end: ChildProcess, command: Command): void {
  end.send(command);
}

function nextReport<T extends Report['type']>(
  end: ChildProcess,
  type: T,
): Promise<Extract<Report, { type: T }>> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      end.off('message', onMessage).off('exit', onExit);
    };
    const onMessage = (report: Report): void => {
      if (report.type !== type) return;
      stop();
      // The comparison proves what the compiler cannot follow through the type parameter.
      resolve(report as Extract<Report, { type: T }>);
    };
    const fail = (why: string): void => {
      stop();
      reject(new Error(`${why}: no ${type}`));
    };
    const onExit = (): void => fail('the end exited');
    const timer = setTimeout(() => fail('out of time'), LIMIT_MS);
    end.on('message', onMessage).on('exit', onExit);
  });
}
