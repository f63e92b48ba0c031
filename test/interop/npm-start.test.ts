import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';

const root = join(import.meta.dirname, '../..');

test('npm start prints links that work, and Ctrl-C ends it with everything closed', async () => {
  await using started = startPartyline();
  const alice = await started.link(/\S+\?as=alice\S*/);
  const bob = await started.link(/\S+\?as=bob\S*/);
  // The whole command, with the address it came to.
  await started.link(/npm run bot -- CODE --server http:\/\/127\.0\.0\.1:\d+$/m);
  expect(new URL(bob).pathname).toBe(new URL(alice).pathname);

  for (const link of [alice, bob]) {
    const page = await fetch(link);
    expect(page.status).toBe(200);
    const html = await page.text();
    const script = /<script[^>]+src="([^"]+)"/.exec(html)?.[1];
    expect(script).toBeDefined();
    const answer = await fetch(new URL(String(script), page.url));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('javascript');
  }
  expect((await fetch(new URL('/healthz', alice))).status).toBe(200);
  expect((await fetch(new URL('/readyz', alice))).status).toBe(200);

  const socket = new WebSocket(await started.link(/ws:\S+/), 'partyline.v1');
  await once(socket, 'open');
  const closed = once(socket, 'close');
  await started.interrupt();
  expect((await closed)[0]).toBe(1001); // told, not cut off
  await expect(fetch(alice)).rejects.toThrow();
});

interface Started extends AsyncDisposable {
  /** The first printed text that matches. */
  link(pattern: RegExp): Promise<string>;
  /** Ctrl-C as a terminal does it: to the whole process group. Resolves at the end. */
  interrupt(): Promise<void>;
}

function startPartyline(): Started {
  const child = spawn('npm', ['start', '--', '--listen', '127.0.0.1:0'], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const waiting = new Set<() => void>();
  const hear = (text: string): void => {
    printed += `${text}\n`;
    for (const look of waiting) look();
  };
  createInterface({ input: child.stdout }).on('line', hear);
  createInterface({ input: child.stderr }).on('line', hear);
  const exited = once(child, 'exit');

  return {
    link: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(printed)?.[0];
          if (found !== undefined) resolve(found);
        };
        waiting.add(look);
        look();
        exited.then(() => reject(new Error(`npm start ended before ${pattern}:\n${printed}`)));
      }),
    interrupt: async () => {
      signalGroup(child, 'SIGINT');
      await exited;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      signalGroup(child, 'SIGKILL');
      await exited;
    },
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) process.kill(-child.pid, signal);
}
