import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli, type Terminal } from './main.ts';

interface Played {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command; once it printed that it runs, `whileRunning`, then an interrupt. */
async function play(
  args: string[],
  whileRunning: (out: string) => Promise<void> = async () => {},
): Promise<Played> {
  const printed = { out: '', err: '' };
  let interrupt: (signal: string) => void = () => {};
  const interrupted = new Promise<string>((resolve) => {
    interrupt = resolve;
  });
  let failed: unknown;
  const terminal: Terminal = {
    env: { PARTYLINE_ADVICE: 'More: look at {url}/more' },
    out: (text) => {
      printed.out += `${text}\n`;
      if (text.includes('is running')) {
        void whileRunning(text)
          .catch((error: unknown) => {
            failed = error;
          })
          .finally(() => interrupt('SIGINT'));
      }
    },
    err: (text) => {
      printed.err += `${text}\n`;
    },
    interrupted: () => interrupted,
  };
  const code = await runCli(args, terminal);
  if (failed) throw failed;
  return { code, ...printed };
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'partyline-cli-'));

test('serve says on which port GNS signals travel, when it chose one', async () => {
  const where = ['--listen', '127.0.0.1:0', '--data-dir', folder()];
  let port = '';
  await play(['serve', '--dev', ...where, '--gns-signaling', '127.0.0.1:0'], async (out) => {
    port = /GNS signals +TCP port (\d+)/.exec(out)?.[1] ?? '';
  });
  expect(Number(port)).toBeGreaterThan(0);
});

test('serve --dev says where to play, with two players, and how to stop; the game is served', async () => {
  const dataDir = folder();
  const game = join(folder(), 'game');
  mkdirSync(join(game, 'assets'), { recursive: true });
  writeFileSync(join(game, 'index.html'), '<h1>game</h1>');
  writeFileSync(join(game, '.env'), 'SECRET=1');
  writeFileSync(join(game, 'assets', 'index-BfX3kd9a.js'), 'export {};');
  const args = ['serve', '--dev', '--listen', '127.0.0.1:0', '--data-dir', dataDir];
  const played = await play([...args, '--mount', `arena=${game}`], async (out) => {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0] ?? '';
    expect(out).toContain(`${url}/arena/?as=alice`);
    expect(out).toContain(`${url}/arena/?as=bob`);
    expect(out).toContain(`More: look at ${url}/more\n`);
    const page = await fetch(`${url}/arena?as=alice`);
    expect(page.url).toBe(`${url}/arena/?as=alice`);
    expect(await page.text()).toBe('<h1>game</h1>');
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const script = await fetch(`${url}/arena/assets/index-BfX3kd9a.js`);
    expect(script.headers.get('cache-control')).toBe('no-cache');
    const etag = script.headers.get('etag') ?? '';
    // As a browser asks; `fetch` of Node would say no-cache.
    const known = { 'if-none-match': etag, 'cache-control': 'max-age=0' };
    expect((await fetch(script.url, { headers: known })).status).toBe(304);
    for (const path of ['.env', 'assets/', 'assets', 'nothing']) {
      expect((await fetch(`${url}/arena/${path}`)).status).toBe(404);
    }
    expect(script.headers.get('content-type')).toContain('javascript');
    for (const path of ['/healthz', '/readyz']) {
      expect(await (await fetch(url + path)).json()).toEqual({ ok: true });
    }
    expect(await (await fetch(`${url}/v1/info`)).json()).toMatchObject({
      protocols: ['partyline.v1'],
    });
    expect((await fetch(`${url}/arena/../../etc/passwd`)).status).toBe(404);
    expect((await fetch(`${url}/arena/%2e%2e/%2e%2e/etc/passwd`)).status).not.toBe(200);
  });
  expect(played).toMatchObject({ code: 0, err: '' });
  expect(played.out).toContain('Ctrl+C');
});

test('a port somebody asked for and cannot have is said in words', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const args = ['serve', '--dev', '--data-dir', folder(), '--listen', `127.0.0.1:${port}`];
  const played = await play(args);
  taken.close();
  expect(played.code).toBe(1);
  expect(played.err).toContain(`127.0.0.1:${port} is in use`);
});

test.each([
  [['serve'], 1, 'name your game with --app'],
  [['serve', '--nonsense'], 1, 'Unknown option'],
  [['fly'], 2, 'There is no command «fly»'],
  [['serve', '--dev', '--mount', 'arena=/nowhere/at/all'], 1, 'There is no folder /nowhere/at/all'],
  [
    ['serve', '--dev', '--mount', `arena=${process.execPath}`],
    1,
    `There is no folder ${process.execPath}`,
  ],
  [['serve', '--dev', '--mount', 'v1=/tmp'], 1, 'a name other than v1'],
])('%j ends with a sentence', async (args, code, message) => {
  const dataDir = args.includes('--dev') ? ['--data-dir', folder()] : [];
  const played = await play([...args, ...dataDir]);
  expect(played.code).toBe(code);
  expect(played.err).toContain(message);
});

test('help and print-config end without serving', async () => {
  expect((await play([])).out).toContain('partyline serve --dev');
  expect((await play(['serve', '--help'])).out).toContain(
    'Default: 0.0.0.0:7777. (PARTYLINE_LISTEN)',
  );
  expect((await play(['--version'])).out).toMatch(/^\d+\.\d+\.\d+/);
  const printed = await play(['serve', '--dev', '--print-config']);
  expect(printed.out).toMatch(/listen +"127\.0\.0\.1:7777" +\(--dev\)/);
});
