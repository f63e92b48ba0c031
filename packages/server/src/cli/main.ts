import { serverVersion } from '../api/index.ts';
import { ConfigError } from '../config/index.ts';
import { relayHelpText } from '../turn/index.ts';
import { gns } from './gns/gns.ts';
import { helpText, serveHelpText } from './help.ts';
import { nat, natHelpText } from './nat.ts';
import { relay } from './relay.ts';
import { serve } from './serve.ts';

/** What a command talks to; a test passes its own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
  /** Settles when somebody asks the program to end; the name of the signal. */
  interrupted(): Promise<string>;
}

/** Runs one command and gives the exit code. */
export async function runCli(
  args: readonly string[],
  terminal: Terminal = machineTerminal(),
): Promise<number> {
  const [command, ...rest] = args;
  try {
    if (command === 'serve') {
      if (!rest.includes('--help') && !rest.includes('-h')) return await serve(rest, terminal);
      terminal.out(serveHelpText());
      return 0;
    }
    if (command === 'relay') {
      if (!rest.includes('--help') && !rest.includes('-h')) return await relay(rest, terminal);
      terminal.out(relayHelpText);
      return 0;
    }
    if (command === 'nat') {
      if (!rest.includes('--help') && !rest.includes('-h')) return await nat(rest, terminal);
      terminal.out(natHelpText);
      return 0;
    }
    if (command === 'gns') return await gns(rest, terminal);
    if (command === '--version' || command === '-v') {
      terminal.out(serverVersion);
      return 0;
    }
    if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
      terminal.out(helpText());
      return 0;
    }
    terminal.err(`There is no command «${command}».\n\n${helpText()}`);
    return 2;
  } catch (error) {
    const explained = explain(error);
    if (explained === undefined) throw error;
    terminal.err(explained);
    return 1;
  }
}

/** For what a person can mend; `undefined` for defects, whose stack is to be seen. */
function explain(error: unknown): string | undefined {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const where = 'address' in error && 'port' in error ? ` ${error.address}:${error.port}` : '';
  switch (error.code) {
    case 'EADDRINUSE':
      return `The address${where} is in use. Is another server running? Choose one with --listen.`;
    case 'EACCES':
      return `The address${where} may not be used by this user. Ports under 1024 need permission.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `The address${where} is not one of this machine. Choose one with --listen.`;
    default:
      return undefined;
  }
}

function machineTerminal(): Terminal {
  return {
    env: process.env,
    out: (text) => process.stdout.write(`${text}\n`),
    err: (text) => process.stderr.write(`${text}\n`),
    interrupted: () =>
      new Promise((resolve) => {
        const once = (signal: string): void => {
          // The next one ends the program at once, as the system does by itself.
          for (const name of ['SIGINT', 'SIGTERM']) process.off(name, once);
          resolve(signal);
        };
        for (const name of ['SIGINT', 'SIGTERM']) process.on(name, once);
      }),
  };
}
