import type { Terminal } from '../main.ts';
import { certify } from './certify.ts';
import { connect } from './connect.ts';
import { gnsHelpText, p2pHelpText } from './help.ts';
import { listen } from './listen.ts';
import { readGnsCommand, UsageError } from './options.ts';
import { p2p } from './p2p/p2p.ts';
import { serveSignaling } from './p2p/serve-signaling.ts';
import type { Pipes } from './pipe.ts';
import { openRun } from './run.ts';

/** `partyline gns`: 0 when all that was promised arrived, 1 when not, 2 for a wrong command line. */
export async function gns(
  args: readonly string[],
  terminal: Terminal,
  pipes: Pipes = { input: process.stdin, output: process.stdout },
): Promise<number> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    terminal.out(args[0] === 'p2p' ? p2pHelpText : gnsHelpText);
    return 0;
  }
  try {
    if (args[0] === 'cert') return certify(args.slice(1), terminal);
    if (args[0] === 'p2p') return await p2p(args.slice(1), terminal, pipes);
    if (args[0] === 'signaling') return await serveSignaling(args.slice(1), terminal);
    const command = readGnsCommand(args);
    const run = openRun(command, terminal, pipes);
    try {
      return await (command.role === 'listen' ? listen(run) : connect(run));
    } finally {
      await run.close();
    }
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`${error.message}\n«partyline gns --help» lists every option.`);
      return 2;
    }
    const why = explainSocket(error);
    if (why === undefined) throw error;
    terminal.err(why);
    return 1;
  }
}

/** For what a person can mend; `undefined` for defects. */
function explainSocket(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (error.code === 'OPTIONS_INVALID') return error.message;
  if (error.code !== 'UDP_SOCKET') return undefined;
  const { cause } = error;
  const system = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (system === 'EADDRINUSE') return 'That UDP port is in use. Choose another, or 0 for any.';
  if (system === 'EACCES')
    return 'This user may not use that port. Ports under 1024 need permission.';
  if (system === 'EADDRNOTAVAIL') return 'That is no address of this machine.';
  return `${error.message} (${String(system)})`;
}
