/**
 * The measured side of a benchmark: a program of its own that says when it is ready, runs the tasks
 * it is told, and answers how much processor time it has used. `program.ts` is the other side.
 */

/** Does something `count` times and resolves when the last one is done. */
export type Task = (count: number) => Promise<void>;

/** What else a program can count of itself, by name. */
export type Figures = Readonly<Record<string, number>>;

export type Question =
  | { readonly type: 'cpu' }
  | { readonly type: 'figures' }
  | { readonly type: 'task'; readonly name: string; readonly count: number };

export type Answer =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'cpu'; readonly cpuUs: number }
  | { readonly type: 'figures'; readonly figures: Figures }
  | { readonly type: 'done'; readonly elapsedMs: number }
  | { readonly type: 'failed'; readonly reason: string };

/** Ends with its measurer. `port` is where a server listens; 0 for clients. */
export function answerMeasurer(
  port: number,
  tasks: Readonly<Record<string, Task>> = {},
  figures: () => Figures = () => ({}),
): void {
  const answer = (message: Answer): void => {
    process.send?.(message);
  };
  process.on('message', (question: Question) => {
    if (question.type === 'cpu') {
      const { user, system } = process.cpuUsage();
      answer({ type: 'cpu', cpuUs: user + system });
      return;
    }
    if (question.type === 'figures') {
      answer({ type: 'figures', figures: figures() });
      return;
    }
    timeTask(tasks[question.name], question.count).then(answer, (error: unknown) =>
      answer({ type: 'failed', reason: error instanceof Error ? `${error.stack}` : `${error}` }),
    );
  });
  process.on('disconnect', () => process.exit());
  answer({ type: 'ready', port });
}

async function timeTask(task: Task | undefined, count: number): Promise<Answer> {
  if (task === undefined) throw new Error('no such task');
  const start = performance.now();
  await task(count);
  return { type: 'done', elapsedMs: performance.now() - start };
}
