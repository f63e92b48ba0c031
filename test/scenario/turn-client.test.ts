import { openTurn } from 'partyline/node';
import type { TurnAllocation } from 'partyline/protocol/turn';
import { expect, test } from 'vitest';
import { ControlClient, testServer } from './control-client.ts';
import type { Credential } from './turn-probe.ts';

/** A busy machine is slow, not wrong. */
const patient = { timeout: 10_000 };

type Server = Awaited<ReturnType<typeof testServer>>;

/** What `openTurn` takes from the session's answer. */
async function credentialOf(
  client: ControlClient,
): Promise<{ username: string; password: string }> {
  const { username, credential }: Credential = await client.call('session.iceServers', {});
  return { username, password: credential };
}

async function open(
  url: string,
  credential: { username: string; password: string },
): Promise<{ allocation: TurnAllocation; heard: string[]; ended: string[] }> {
  const heard: string[] = [];
  const ended: string[] = [];
  const allocation = await openTurn({
    url,
    credential,
    handlers: {
      onReceive: (bytes) => heard.push(new TextDecoder().decode(bytes)),
      onEnded: ({ code }) => ended.push(code),
    },
  });
  return { allocation, heard, ended };
}

const urls = (server: Server): readonly (readonly [string, string])[] => [
  ['UDP', `turn:127.0.0.1:${server.stunPort}`],
  ['the API’s port', `turn:127.0.0.1:${server.port}?transport=tcp`],
  ['a WebSocket', `ws://127.0.0.1:${server.port}`],
];

test('our client reaches the relay by UDP, by the API’s port and by a WebSocket; all talk to all', async () => {
  await using server = await testServer();
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const credential = await credentialOf(alice);
  const all = [];
  for (const [name, url] of urls(server)) all.push({ name, ...(await open(url, credential)) });
  expect(server.stats().turn?.allocations).toBe(3);
  for (const { allocation } of all) allocation.permit('127.0.0.1');
  for (const from of all) {
    for (const to of all) {
      const [relayed] = to.allocation.relayed;
      if (from === to || !relayed) continue;
      const text = `${from.name} to ${to.name}`;
      await expect
        .poll(() => {
          from.allocation.send(relayed.host, relayed.port, new TextEncoder().encode(text));
          return to.heard;
        }, patient)
        .toContain(text);
    }
  }
  for (const { allocation } of all) await allocation.close();
  expect(server.stats().turn?.allocations).toBe(0);
});

test('a logout ends what the session has, and each client is told why', async () => {
  await using server = await testServer();
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const credential = await credentialOf(alice);
  const all = [];
  for (const [, url] of urls(server)) all.push(await open(url, credential));
  await alice.call('session.logout', {});
  for (const { allocation, ended } of all) {
    allocation.permit('127.0.0.1'); // UDP hears of it by the next request
    await expect.poll(() => ended, patient).toHaveLength(1);
    expect(ended[0]).toMatch(/^TURN_(UNAUTHORIZED|MISMATCH|UNREACHABLE)$/);
    await allocation.close();
  }
});

test('the server is gone: a WebSocket tells at once', async () => {
  const server = await testServer();
  const alice = await ControlClient.open(server.url);
  await alice.login();
  const { allocation, ended } = await open(
    `ws://127.0.0.1:${server.port}`,
    await credentialOf(alice),
  );
  await server[Symbol.asyncDispose]();
  await expect.poll(() => ended, patient).toEqual(['TURN_UNREACHABLE']);
  await allocation.close();
});
