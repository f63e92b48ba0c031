import { type Logger, pino } from 'pino';
import type { Config } from '../config/index.ts';

export type ServerLogger = Logger;

/**
 * error: an operator must act. warn: we recovered, look at it. info: once per start or session.
 * debug: once per request that failed. Requests' content is never logged: it holds tokens.
 */
export function createLogger({
  logLevel,
  logFormat,
}: Pick<Config, 'logLevel' | 'logFormat'>): Logger {
  const options = {
    level: logLevel,
    base: null, // pid and host name: the operator's collector knows them
    redact: ['*.token', '*.resumeToken', '*.ticket', '*.signature', '*.seed', 'req.headers'],
  };
  return logFormat === 'json' ? pino(options) : pino(options, { write: writePretty });
}

const names: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** One readable line for each of pino's JSON lines. */
function writePretty(line: string): void {
  const { level, time, msg, err, ...rest } = JSON.parse(line) as {
    level: number; // what pino itself writes
    time: number;
    msg: string;
    err?: { stack?: string };
  };
  const clock = new Date(time).toTimeString().slice(0, 8);
  const fields = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : '';
  const stack = err?.stack ? `\n${err.stack}` : '';
  process.stderr.write(`${clock} ${names[level] ?? level} ${msg}${fields}${stack}\n`);
}
