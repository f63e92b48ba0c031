import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigInput, type PartylineServer, startServer } from '@partyline/server';

/** A server of its own for one test: loopback, any free port, apps `game` and `other`. */
export async function startTestServer(config: ConfigInput = {}): Promise<PartylineServer> {
  return await startServer({
    dev: true,
    listen: '127.0.0.1:0',
    dataDir: mkdtempSync(join(tmpdir(), 'partyline-')),
    apps: { game: {}, other: {} },
    logLevel: 'silent',
    ...config,
  });
}
