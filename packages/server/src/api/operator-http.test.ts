import { request } from 'node:http';
import { expect, test } from 'vitest';
import { noStats } from '../turn/index.ts';
import { Metrics } from './metrics.ts';
import { type OperatorOptions, openOperatorHttp } from './operator-http.ts';

const usage = [
  { player: 'arena:quiet', allocations: 1, relayedBytes: 5 },
  { player: 'arena:busy', allocations: 2, relayedBytes: 500 },
];

async function opened(options: Partial<OperatorOptions> = {}) {
  const kicked: string[] = [];
  const stats = { ...noStats, allocations: 3, relayedBytes: 505, refused: new Map([[486, 2]]) };
  const http = await openOperatorHttp(
    { listen: '127.0.0.1:0', token: undefined, ...options },
    {
      metrics: new Metrics({ turn: () => stats }),
      usage: async () => usage,
      kick: async (player) => kicked.push(player),
    },
  );
  const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: http.port, method, path, headers });
      asked.on('error', reject);
      asked.on('response', async (answer) => {
        const parts = await answer.toArray();
        resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString() });
      });
      asked.end();
    });
  return { http, ask, kicked };
}

test('metrics have counts, and no user’s name', async () => {
  const { http, ask } = await opened();
  const { text } = await ask('GET', '/metrics');
  expect(text).toContain('\npartyline_turn_allocations 3\n');
  expect(text).toContain('\npartyline_turn_relayed_bytes_total 505\n');
  expect(text).toContain('\npartyline_turn_refused_total{code="486"} 2\n');
  expect(text).toContain('# TYPE partyline_turn_relayed_bytes_total counter');
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).not.toContain('arena');
  await http.close();
});

test('usage names players, those who use most first; a kick takes a name', async () => {
  const { http, ask, kicked } = await opened();
  const { text } = await ask('GET', '/turn/usage');
  expect(JSON.parse(text)).toEqual({ players: [usage[1], usage[0]] });
  expect(await ask('DELETE', '/players/arena%3Abusy')).toEqual({
    status: 200,
    text: '{"sessions":1}',
  });
  expect(kicked).toEqual(['arena:busy']);
  expect((await ask('DELETE', `/players/${'x'.repeat(601)}`)).status).toBe(414);
  await http.close();
});

test('with a token every request needs it', async () => {
  const { http, ask } = await opened({ token: 'sixteen letters!' });
  for (const path of ['/metrics', '/turn/usage']) {
    expect((await ask('GET', path)).status).toBe(401);
    expect((await ask('GET', path, { authorization: 'Bearer guess' })).status).toBe(401);
    const right = { authorization: 'Bearer sixteen letters!' };
    expect((await ask('GET', path, right)).status).toBe(200);
  }
  expect((await ask('DELETE', '/players/a')).status).toBe(401);
  await http.close();
});

test('without a token only loopback is listened on, and no name that somebody made point there', async () => {
  await expect(opened({ listen: '0.0.0.0:0' })).rejects.toThrow('needs --operator-token');
  const { http, ask } = await opened();
  expect((await ask('GET', '/turn/usage', { host: 'evil.example' })).status).toBe(401);
  expect((await ask('GET', '/turn/usage', { host: 'localhost:9' })).status).toBe(200);
  expect((await ask('GET', '/turn/usage', { host: '[::1]:9' })).status).toBe(200);
  await http.close();
});
