import { Bot } from './bot.ts';
import { exitCodes, readOptions, usage } from './options.ts';
import { Report } from './report.ts';

/** Runs the bot to its end; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    return exitCodes.done;
  }
  const options = readOptions(args);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${usage}\n`);
    return exitCodes.usage;
  }
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const report = new Report(options, (line) => process.stdout.write(`${line}\n`));
    return exitCodes[await new Bot(options, report).run(stop.signal)];
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
