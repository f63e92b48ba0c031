import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrivialSignaling } from 'partyline/node';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { startServer } from './start-server.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'partyline-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

const usual = { listen: '127.0.0.1:0', stun: 'off', dataDir, logLevel: 'silent' } as const;

test('gnsSignaling carries signals between names, on loopback when only a port is said', async () => {
  await using server = await startServer({ ...usual, gnsSignaling: '0' });
  const where = { host: '127.0.0.1', port: server.gnsSignalingPort ?? 0 };
  await using a = new TrivialSignaling({ ...where, identity: 'str:a' });
  await using b = new TrivialSignaling({ ...where, identity: 'str:b' });
  await Promise.all([a.connected, b.connected]);
  const heard = new Promise((resolve) => b.events.on('signal', resolve));
  a.send('str:b', Uint8Array.of(1, 2));
  expect(await heard).toMatchObject({ bytes: Uint8Array.of(1, 2) });
});

test('the log says which port it got', async () => {
  const told: unknown[] = [];
  const logger = pino(
    { level: 'info' },
    { write: (line: string) => void told.push(JSON.parse(line)) },
  );
  await using server = await startServer({ ...usual, gnsSignaling: '127.0.0.1:0' }, { logger });
  const { gnsSignalingPort } = server;
  expect(gnsSignalingPort).toBeGreaterThan(0);
  expect(told).toContainEqual(expect.objectContaining({ msg: 'serving', gnsSignalingPort }));
});

test('it is off unless asked for', async () => {
  await using server = await startServer(usual);
  expect(server.gnsSignalingPort).toBeUndefined();
});
