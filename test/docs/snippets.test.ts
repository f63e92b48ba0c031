import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PartylineServer, startServer } from '@partyline/server';
import { Multiplayer, rpc } from 'partyline';
import { connect, type Lobby, openPeer, type Session } from 'partyline/node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'partyline-snippets-'));

const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((page) => page !== '' && existsSync(join(root, page)));

const snippets = pages.flatMap((page) =>
  snippetsOf(readFileSync(join(root, page), 'utf8')).map((code, at) => ({
    name: `${page} #${at + 1}`,
    code,
  })),
);

let server: PartylineServer;
let host: Session;
let lobby: Lobby;
const waves: string[] = [];

beforeAll(async () => {
  server = await startServer({
    listen: '127.0.0.1:0',
    dataDir: join(folder, 'keys'),
    apps: { 'my-game': {}, dev: {} },
    logLevel: 'silent',
  });
  // By relay alone: what is tried here is the text, not the network.
  const capabilities = ['relay'];
  host = await connect({ server: server.url, app: 'my-game', name: 'Host', capabilities });
  lobby = await host.lobbies.create();
  const multiplayer = new Multiplayer({ peer: await openPeer(lobby) });
  multiplayer.object('game', {
    wave: rpc({ mode: 'anyPeer' }, (_context, text: string) => waves.push(text)),
  });
});

afterAll(async () => {
  await host.close();
  await server.close();
});

test.each(snippets)('$name runs as it stands', async ({ name, code }) => {
  const file = join(folder, `${name.replaceAll(/\W+/g, '-')}.ts`);
  writeFileSync(file, setTo(code));
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await import(file);
  } finally {
    log.mockRestore();
  }
});

test('the ten lines of docs/client.md are heard by the friend they join', async () => {
  const heard = new Promise((resolve) => lobby.events.on('chatted', resolve, { once: true }));
  const [first = ''] = snippetsOf(readFileSync(join(root, 'docs/client.md'), 'utf8'));
  const code = first.split('\n').filter((line) => line.trim() !== '');
  expect(code.length).toBeLessThanOrEqual(10);
  const file = join(folder, 'heard.ts');
  writeFileSync(file, setTo(first));
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import(file);
  log.mockRestore();
  expect(await heard).toMatchObject({ text: 'hello', from: { name: 'Bob' } });
});

test('the lines that play reach the host', async () => {
  await expect.poll(() => waves).toContain('hello');
});

test('a snippet is what stands between the fences, marked or not run', () => {
  const text =
    'a\n```ts runnable\none();\n```\n```ts\ntwo();\n```\n```ts runnable\nthree();\n```\n';
  expect(snippetsOf(text)).toEqual(['one();\n', 'three();\n']);
});

function snippetsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts runnable\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

/** The address and the code that a reader would have on the screen. */
function setTo(code: string): string {
  return code.replaceAll('http://localhost:7777', server.url).replaceAll('acd-efg', lobby.code);
}
