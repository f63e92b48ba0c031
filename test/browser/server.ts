import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '../..');
export const arenaPage: string = join(root, 'examples/arena/dist/page');

export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** The game's page, with what stands behind `?` and `#`. */
  page(query?: string): string;
}

export interface ServerOptions {
  /** As in the configuration file. Default: `arena`, open to every origin. */
  readonly apps?: Readonly<Record<string, object>>;
}

/** `partyline serve` as an operator runs it, on a free port, with the built arena at /arena/. */
export async function startServer({
  apps = { arena: {} },
}: ServerOptions = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'partyline-browser-'));
  const config = join(folder, 'partyline.config.json');
  const settings = {
    listen: '127.0.0.1:0',
    dataDir: join(folder, 'keys'),
    apps,
    mounts: { arena: arenaPage },
    logFormat: 'json',
  };
  writeFileSync(config, JSON.stringify(settings));
  const bin = join(root, 'packages/server/bin/partyline.js');
  const child = spawn(process.execPath, [bin, 'serve', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await listening(child);
  return {
    url,
    page: (query = '') => `${url}/arena/${query}`,
    [Symbol.asyncDispose]: async () => {
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The first address it prints. */
export async function listening(child: ChildProcess): Promise<string> {
  const printed: string[] = [];
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('the server was started without pipes');
  createInterface({ input: stderr }).on('line', (line) => printed.push(line));
  return await new Promise((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      printed.push(line);
      const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
    child.once('exit', () => reject(new Error(`the server ended:\n${printed.join('\n')}`)));
  });
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
