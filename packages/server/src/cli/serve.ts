import {
  createLogger,
  type PartylineServer,
  type ServerLogger,
  startServer,
} from '../api/index.ts';
import { type Config, type LoadedConfig, loadConfig, printConfig } from '../config/index.ts';
import { banner } from './banner.ts';
import type { Terminal } from './main.ts';

/** `partyline serve`: runs until it is interrupted. */
export async function serve(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = args.filter((arg) => arg !== '--print-config');
  const loaded = loadConfig({ args: options, env: terminal.env });
  if (options.length < args.length) {
    terminal.out(printConfig(loaded));
    return 0;
  }
  const { config } = loaded;
  const logger = createLogger(config);
  const interrupted = terminal.interrupted();
  const server = await start(loaded, (settings) => startServer(settings, { logger }));
  // Collectors read JSON lines from the same stream: the greeting is for people only.
  if (config.logFormat === 'pretty') {
    terminal.out(banner(server, config, terminal.env.PARTYLINE_ADVICE));
  }
  const over = new AbortController();
  void tellSelfTest(server, over.signal, (line) => {
    if (config.logFormat === 'pretty') terminal.out(`  Relay         ${line}`);
    else logger.info({ line }, 'relay self-test');
  });
  const reload = (): void => reloadCertificate(server, logger);
  // With --dev a hang-up is what it is: the terminal was closed.
  if (!config.dev) process.on('SIGHUP', reload);
  const signal = await interrupted;
  process.off('SIGHUP', reload);
  over.abort();
  logger.info({ signal }, 'shutting down');
  await server.close();
  return 0;
}

/** Comes when it comes: nobody has to wait for addresses that do not answer. */
async function tellSelfTest(
  server: PartylineServer,
  over: AbortSignal,
  out: (line: string) => void,
): Promise<void> {
  for (const line of await server.selfTest(over)) out(line);
}

function reloadCertificate(server: PartylineServer, logger: ServerLogger): void {
  try {
    logger.info(server.reloadTls() ? 'certificate read again' : 'there is no certificate to read');
  } catch (error) {
    logger.error({ err: error }, 'the certificate stays as it was');
  }
}

/** With `--dev` a taken port is no reason to stop, unless somebody asked for that one. */
async function start(
  { config, sources }: LoadedConfig,
  startWith: (config: Config) => Promise<PartylineServer>,
): Promise<PartylineServer> {
  try {
    return await startWith(config);
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (!isTaken || sources.listen !== '--dev') throw error;
    return startWith({ ...config, listen: '127.0.0.1:0' });
  }
}
