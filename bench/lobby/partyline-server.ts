import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@partyline/server';
import { answerMeasurer } from '../measured.ts';

/** The bench is to find the server's limits, not those of politeness. */
const unlimited = { perSecond: 1e9, burst: 1e9 };

const dataDir = mkdtempSync(join(tmpdir(), 'partyline-bench-'));
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));

const server = await startServer({
  listen: '127.0.0.1:0',
  stun: 'off',
  dataDir,
  apps: { bench: {} },
  logLevel: 'silent',
  limits: { socketsPerAddress: 20_000, lobbiesPerSession: 100_000, requestsInFlight: 100_000 },
  rateLimits: {
    request: unlimited,
    login: unlimited,
    create: unlimited,
    relayPackets: unlimited,
    relayBytes: unlimited,
  },
});
answerMeasurer(server.port);
