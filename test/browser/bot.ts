import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BotLine } from '../../examples/arena/src/bot/report.ts';

const script = join(import.meta.dirname, '../../scripts/bot.mjs');

export interface RunningBot extends AsyncDisposable {
  /** The first line of this type, said or yet to be said. Rejects when the bot ends without it. */
  line<T extends BotLine['type']>(type: T): Promise<Extract<BotLine, { type: T }>>;
  /** Ctrl+C. */
  interrupt(): void;
  readonly exitCode: Promise<number | null>;
}

/** `npm run bot -- …` as a process of its own. */
export function startBot(args: readonly string[]): RunningBot {
  const child = spawn(process.execPath, [script, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: BotLine[] = [];
  const waiting = new Set<() => void>();
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const printed = createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  const ended = Promise.all([once(child, 'exit'), once(printed, 'close')]);
  return {
    line: <T extends BotLine['type']>(type: T) =>
      new Promise<Extract<BotLine, { type: T }>>((resolve, reject) => {
        const isWanted = (line: BotLine): line is Extract<BotLine, { type: T }> =>
          line.type === type;
        const look = (): void => {
          const found = lines.find(isWanted);
          if (found) resolve(found);
        };
        waiting.add(look);
        look();
        const said = (): string => `${errors}${lines.map((l) => JSON.stringify(l)).join('\n')}`;
        void ended.then(() => reject(new Error(`the bot never said ${type}:\n${said()}`)));
      }),
    interrupt: () => child.kill('SIGINT'),
    exitCode: ended.then(([[code]]) => code),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
