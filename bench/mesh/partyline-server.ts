import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@partyline/server';
import { answerMeasurer } from '../measured.ts';

/** All members share one address here, and would not elsewhere; what a member may do is not changed. */
const unlimited = { perSecond: 1e9, burst: 1e9 };
const address = process.argv[2] ?? '127.0.0.1';

const dataDir = mkdtempSync(join(tmpdir(), 'partyline-bench-'));
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));

const server = await startServer({
  listen: `${address}:0`,
  dataDir,
  apps: { bench: {} },
  logLevel: 'silent',
  limits: { socketsPerAddress: 20_000 },
  rateLimits: { login: unlimited, create: unlimited, failedJoin: unlimited },
  turn: {
    limits: {
      allocationsPerAddress: 10_000,
      challengesPerSecond: 10_000,
      bindingsPerSecond: 10_000,
    },
  },
});
answerMeasurer(server.port, {}, () => {
  const { signals, turn } = server.stats();
  const { forwarded, rateLimited, receiverFull, stranger } = signals;
  return {
    signals: forwarded,
    signalsDropped: rateLimited + receiverFull + stranger,
    allocations: turn?.allocations ?? 0,
  };
});
